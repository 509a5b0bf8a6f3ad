import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'openrouter',
  name: 'OpenRouter',
  baseUrl: 'https://openrouter.ai',
  apiPrefix: '/api',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  usageInStreams: 'always',
  passesContext: ['x-session-id'],
  routes: [
    { method: 'POST', path: '/api/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/api/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/api/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/api/v1/messages', format: 'anthropic-messages' },
    { method: 'GET', path: '/api/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/api/v1/generation', format: null, operation: 'other' },
  ],
}

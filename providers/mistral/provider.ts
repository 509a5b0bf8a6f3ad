import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'mistral',
  name: 'Mistral',
  baseUrl: 'https://api.mistral.ai',
  usageInStreams: 'always',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/fim/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/agents/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

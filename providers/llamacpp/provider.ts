import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'llamacpp',
  name: 'llama.cpp server',
  baseUrl: 'http://127.0.0.1:8080',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  usageInStreams: 'always',
  local: true,
  passesContext: ['x-user-id', 'x-session-id', 'x-thread-id'],
  hints: { usagePerChoice: true },
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/v1/messages/count_tokens', format: null, operation: 'count_tokens' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/models', format: null, operation: 'models' },
    { method: 'GET', path: '/health', format: null, operation: 'health' },
    { method: 'GET', path: '/v1/health', format: null, operation: 'health' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'lmstudio',
  name: 'LM Studio',
  baseUrl: 'http://127.0.0.1:1234',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  local: true,
  passesContext: ['x-user-id', 'x-session-id', 'x-thread-id'],
  hints: { durationsAt: ['stats'], durationsIn: 's' },
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/api/v1/chat', format: 'lmstudio-chat' },
    { method: 'POST', path: '/api/v0/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/api/v0/completions', format: 'openai-completions' },
    { method: 'POST', path: '/api/v0/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/api/v0/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/api/v1/models*', format: null, operation: 'models' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'sglang',
  name: 'SGLang',
  baseUrl: 'http://127.0.0.1:30000',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  local: true,
  passesContext: ['x-user-id', 'x-session-id', 'x-thread-id'],
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/v1/messages/count_tokens', format: null, operation: 'count_tokens' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/rerank', format: 'rerank' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/health', format: null, operation: 'health' },
    { method: 'GET', path: '/health_generate', format: null, operation: 'health' },
  ],
}

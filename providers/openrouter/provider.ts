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
    { method: 'POST', path: '/api/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/api/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/api/v1/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/api/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/api/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/api/v1/rerank', format: 'rerank' },
    { method: 'GET', path: '/api/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/api/v1/generation', format: null, operation: 'other' },
  ],
}

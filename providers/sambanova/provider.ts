import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'sambanova',
  name: 'SambaNova',
  baseUrl: 'https://api.sambanova.ai',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  hints: { durationsIn: 's' },
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/audio/translations', format: 'openai-transcription' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'openai',
  name: 'OpenAI',
  baseUrl: 'https://api.openai.com',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'POST', path: '/v1/responses/compact', format: 'openai-responses' },
    { method: 'POST', path: '/v1/responses/input_tokens', format: null, operation: 'count_tokens' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/v1/images/generations', format: 'openai-images' },
    { method: 'POST', path: '/v1/images/edits', format: 'openai-images' },
    { method: 'POST', path: '/v1/images/variations', format: 'openai-images' },
    { method: 'POST', path: '/v1/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/moderations', format: 'openai-moderations' },
    { method: '*', path: '/v1/batches*', format: null, operation: 'batches' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/uploads*', format: null, operation: 'files' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

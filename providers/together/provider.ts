import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'together',
  name: 'Together',
  baseUrl: 'https://api.together.ai',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/images/generations', format: 'openai-images' },
    { method: 'POST', path: '/v1/images/edits', format: 'openai-images' },
    { method: 'POST', path: '/v1/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/rerank', format: 'rerank' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

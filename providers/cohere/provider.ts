import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'cohere',
  name: 'Cohere',
  baseUrl: 'https://api.cohere.com',
  movedPaths: {
    '/v1/chat/completions': '/compatibility/v1/chat/completions',
    '/v1/embeddings': '/compatibility/v1/embeddings',
    '/v1/audio/transcriptions': '/compatibility/v1/audio/transcriptions',
  },
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/v2/chat', format: 'cohere-chat' },
    { method: 'POST', path: '/v1/chat', format: 'cohere-chat-v1' },
    { method: 'POST', path: '/v2/embed', format: 'cohere-embed' },
    { method: 'POST', path: '/v1/embed', format: 'cohere-embed' },
    { method: 'POST', path: '/v2/rerank', format: 'rerank' },
    { method: 'POST', path: '/v1/rerank', format: 'rerank' },
    { method: 'POST', path: '/v1/tokenize', format: null, operation: 'count_tokens' },
    { method: 'POST', path: '/compatibility/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/compatibility/v1/audio/translations', format: 'openai-transcription' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'POST', path: '/compatibility/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/compatibility/v1/embeddings', format: 'openai-embeddings' },
    { method: 'GET', path: '/compatibility/v1/models*', format: null, operation: 'models' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'deepinfra',
  name: 'DeepInfra',
  baseUrl: 'https://api.deepinfra.com',
  movedPaths: {
    '/v1/chat/completions': '/v1/openai/chat/completions',
    '/v1/completions': '/v1/openai/completions',
    '/v1/embeddings': '/v1/openai/embeddings',
    '/v1/images/*': '/v1/openai/images/*',
    '/v1/audio/*': '/v1/openai/audio/*',
    '/v1/files*': '/v1/openai/files*',
    '/v1/batches*': '/v1/openai/batches*',
    '/v1/models*': '/v1/openai/models*',
  },
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  hints: { bill: { at: ['estimated_cost'], places: 0 } },
  routes: [
    { method: 'POST', path: '/v1/openai/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/openai/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/openai/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/openai/images/generations', format: 'openai-images' },
    { method: 'POST', path: '/v1/openai/images/edits', format: 'openai-images' },
    { method: 'POST', path: '/v1/openai/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/v1/openai/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/openai/audio/translations', format: 'openai-transcription' },
    { method: '*', path: '/v1/openai/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/openai/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/openai/models*', format: null, operation: 'models' },
  ],
}

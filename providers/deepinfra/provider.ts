import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'deepinfra',
  name: 'DeepInfra',
  baseUrl: 'https://api.deepinfra.com',
  movedPaths: {
    '/v1/chat/completions': '/v1/openai/chat/completions',
    '/v1/completions': '/v1/openai/completions',
    '/v1/embeddings': '/v1/openai/embeddings',
    '/v1/models*': '/v1/openai/models*',
  },
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  hints: { bill: { at: ['estimated_cost'], places: 0 } },
  routes: [
    { method: 'POST', path: '/v1/openai/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/openai/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/openai/embeddings', format: 'openai-embeddings' },
    { method: 'GET', path: '/v1/openai/models*', format: null, operation: 'models' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

const sonar = { outputExcludesReasoning: true, requestFee: true }

export const provider: Provider = {
  id: 'perplexity',
  name: 'Perplexity',
  baseUrl: 'https://api.perplexity.ai',
  movedPaths: { '/v1/chat/completions': '/chat/completions' },
  usageInStreams: 'always',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/chat/completions', format: 'openai-chat', hints: sonar },
    { method: 'POST', path: '/v1/sonar', format: 'openai-chat', hints: sonar },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

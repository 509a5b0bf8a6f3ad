import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'xai',
  name: 'xAI',
  baseUrl: 'https://api.x.ai',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  // `cost_in_usd_ticks`: ten thousand million ticks are a dollar
  hints: { bill: { at: ['cost_in_usd_ticks'], places: 10 } },
  routes: [
    {
      method: 'POST',
      path: '/v1/chat/completions',
      format: 'openai-chat',
      hints: { outputExcludesReasoning: true },
    },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/v1/tokenize-text', format: null, operation: 'count_tokens' },
    { method: 'POST', path: '/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/v1/images/generations', format: 'openai-images' },
    { method: 'POST', path: '/v1/images/edits', format: 'openai-images' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/v1/language-models*', format: null, operation: 'models' },
  ],
}

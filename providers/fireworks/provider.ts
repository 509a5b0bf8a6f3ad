import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'fireworks',
  name: 'Fireworks',
  baseUrl: 'https://api.fireworks.ai',
  apiPrefix: '/inference',
  // accounts, deployments and data sets stand beside the inference API
  movedPaths: { '/v1/accounts/*': '/v1/accounts/*' },
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  hints: {
    countersAt: ['perf_metrics'],
    countHeaders: { input: 'fireworks-prompt-tokens', cacheRead: 'fireworks-cached-prompt-tokens' },
  },
  routes: [
    { method: 'POST', path: '/inference/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/inference/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/inference/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/inference/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/inference/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/inference/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/inference/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/inference/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/inference/v1/rerank', format: 'rerank' },
    { method: 'GET', path: '/inference/v1/models*', format: null, operation: 'models' },
  ],
}

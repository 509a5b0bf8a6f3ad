import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'vllm',
  name: 'vLLM',
  baseUrl: 'http://127.0.0.1:8000',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  usageInStreams: 'options',
  local: true,
  passesContext: ['x-user-id', 'x-session-id', 'x-thread-id'],
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/pooling', format: 'openai-embeddings' },
    { method: 'POST', path: '/score', format: 'rerank' },
    { method: 'POST', path: '/v1/score', format: 'rerank' },
    { method: 'POST', path: '/rerank', format: 'rerank' },
    { method: 'POST', path: '/v1/rerank', format: 'rerank' },
    { method: 'POST', path: '/v2/rerank', format: 'rerank' },
    { method: 'POST', path: '/tokenize', format: null, operation: 'count_tokens' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/health', format: null, operation: 'health' },
  ],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'cerebras',
  name: 'Cerebras',
  baseUrl: 'https://api.cerebras.ai',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  hints: { durationsAt: ['time_info'], durationsIn: 's' },
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/completions', format: 'openai-completions' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

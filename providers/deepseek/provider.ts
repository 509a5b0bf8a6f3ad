import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'deepseek',
  name: 'DeepSeek',
  baseUrl: 'https://api.deepseek.com',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/beta/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/beta/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/beta/completions', format: 'openai-completions' },
    { method: 'POST', path: '/beta/v1/completions', format: 'openai-completions' },
    { method: 'POST', path: '/anthropic/v1/messages', format: 'anthropic-messages' },
    { method: 'GET', path: '/models', format: null, operation: 'models' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/anthropic/v1/models*', format: null, operation: 'models' },
  ],
}

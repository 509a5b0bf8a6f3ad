import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  baseUrl: 'https://api.anthropic.com',
  auth: { header: 'x-api-key', prefix: '' },
  errorShape: 'anthropic',
  routes: [
    { method: 'POST', path: '/v1/messages', format: 'anthropic-messages' },
    { method: 'POST', path: '/v1/messages/count_tokens', format: null, operation: 'count_tokens' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
  claims: [{ paths: ['/v1/messages*', '/v1/complete'] }, { paths: ['/v1/*'], header: 'anthropic-version' }],
}

import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'groq',
  name: 'Groq',
  baseUrl: 'https://api.groq.com',
  apiPrefix: '/openai',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  usageInStreams: 'always',
  hints: { usageAt: ['x_groq', 'usage'], durationsIn: 's' },
  routes: [
    { method: 'POST', path: '/openai/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/openai/v1/embeddings', format: 'openai-embeddings' },
    { method: 'GET', path: '/openai/v1/models*', format: null, operation: 'models' },
  ],
}

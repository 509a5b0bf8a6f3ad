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
    { method: 'POST', path: '/openai/v1/responses', format: 'openai-responses' },
    { method: 'GET', path: '/openai/v1/responses/{id}', format: 'openai-responses', fetches: true },
    { method: 'POST', path: '/openai/v1/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/openai/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/openai/v1/audio/translations', format: 'openai-transcription' },
    { method: '*', path: '/openai/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/openai/v1/batches*', format: null, operation: 'batches' },
    { method: 'GET', path: '/openai/v1/models*', format: null, operation: 'models' },
  ],
}

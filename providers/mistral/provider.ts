import type { Provider } from '../../src/records/provider.ts'

export const provider: Provider = {
  id: 'mistral',
  name: 'Mistral',
  baseUrl: 'https://api.mistral.ai',
  usageInStreams: 'always',
  auth: { header: 'authorization', prefix: 'Bearer ' },
  errorShape: 'openai',
  routes: [
    { method: 'POST', path: '/v1/chat/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/fim/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/agents/completions', format: 'openai-chat' },
    { method: 'POST', path: '/v1/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1/audio/speech', format: 'openai-speech' },
    { method: 'POST', path: '/v1/audio/transcriptions', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/audio/translations', format: 'openai-transcription' },
    { method: 'POST', path: '/v1/moderations', format: 'openai-moderations' },
    { method: '*', path: '/v1/files*', format: null, operation: 'files' },
    { method: '*', path: '/v1/batch/jobs*', format: null, operation: 'batches' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
}

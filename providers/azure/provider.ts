import type { Provider, ProviderRoute } from '../../src/records/provider.ts'

/** Two ways of writing the same calls: below a deployment and below `v1`; some also without either, with a dated version. */
const calls: readonly Pick<ProviderRoute, 'path' | 'format'>[] = [
  { path: 'chat/completions', format: 'openai-chat' },
  { path: 'completions', format: 'openai-completions' },
  { path: 'embeddings', format: 'openai-embeddings' },
  { path: 'responses', format: 'openai-responses' },
  { path: 'images/generations', format: 'openai-images' },
  { path: 'images/edits', format: 'openai-images' },
  { path: 'audio/speech', format: 'openai-speech' },
  { path: 'audio/transcriptions', format: 'openai-transcription' },
  { path: 'audio/translations', format: 'openai-transcription' },
]

const below = (base: string): ProviderRoute[] => [
  ...calls.map(({ path, format }): ProviderRoute => ({ method: 'POST', path: `${base}/${path}`, format })),
  { method: 'GET', path: `${base}/responses/{id}`, format: 'openai-responses', fetches: true },
  { method: '*', path: `${base}/batches*`, format: null, operation: 'batches' },
  { method: '*', path: `${base}/files*`, format: null, operation: 'files' },
  { method: 'GET', path: `${base}/models*`, format: null, operation: 'models' },
]

export const provider: Provider = {
  id: 'azure',
  name: 'Azure OpenAI',
  baseUrl: null,
  urlLike: 'https://RESOURCE.openai.azure.com',
  apiPrefix: '/openai',
  auth: { header: 'api-key', prefix: '' },
  errorShape: 'openai',
  routes: [...below('/openai/deployments/{model}'), ...below('/openai/v1'), ...below('/openai')],
}

import type { Provider, ProviderRoute } from '../../src/records/provider.ts'

/** Where models stand: in each version of the API, tuned ones apart, and in Vertex below a project. */
const places = [
  '/v1beta/models',
  '/v1beta/tunedModels',
  '/v1/models',
  '/v1/tunedModels',
  '/v1alpha/models',
  '/v1/projects/{project}/locations/{location}/publishers/google/models',
  '/v1beta1/projects/{project}/locations/{location}/publishers/google/models',
]

const ownPlaces = [
  'models',
  'tunedModels',
  'interactions',
  'files',
  'cachedContents',
  'fileSearchStores',
  'batches',
  'operations/',
  'agents',
  'projects/',
]

const methods: Readonly<Record<string, Pick<ProviderRoute, 'format' | 'operation'>>> = {
  generateContent: { format: 'gemini-content' },
  streamGenerateContent: { format: 'gemini-content-stream' },
  embedContent: { format: 'gemini-embeddings' },
  batchEmbedContents: { format: 'gemini-embeddings' },
  countTokens: { format: null, operation: 'count_tokens' },
}

export const provider: Provider = {
  id: 'google',
  name: 'Google Gemini API',
  baseUrl: 'https://generativelanguage.googleapis.com',
  movedPaths: {
    '/v1/chat/completions': '/v1beta/openai/chat/completions',
    '/v1/embeddings': '/v1beta/openai/embeddings',
    '/v1/images/generations': '/v1beta/openai/images/generations',
  },
  usageInStreams: 'always',
  auth: { header: 'x-goog-api-key', prefix: '' },
  errorShape: 'openai',
  routes: [
    ...places.flatMap((place) =>
      Object.entries(methods).map(
        ([name, meaning]): ProviderRoute => ({ method: 'POST', path: `${place}/{model}:${name}`, ...meaning }),
      ),
    ),
    { method: 'POST', path: '/v1beta/models/{model}:predict', format: 'gemini-predict' },
    { method: 'POST', path: '/v1/models/{model}:predict', format: 'gemini-predict' },
    { method: 'POST', path: '/v1/interactions', format: 'gemini-interactions' },
    { method: 'POST', path: '/v1beta/interactions', format: 'gemini-interactions' },
    {
      method: 'POST',
      path: '/v1beta/openai/chat/completions',
      format: 'openai-chat',
      hints: { outputIsRestOfTotal: true },
    },
    { method: 'POST', path: '/v1beta/openai/embeddings', format: 'openai-embeddings' },
    { method: 'POST', path: '/v1beta/openai/images/generations', format: 'openai-images' },
    { method: 'POST', path: '/v1beta/openai/images/edits', format: 'openai-images' },
    { method: 'GET', path: '/v1beta/openai/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/v1beta/models*', format: null, operation: 'models' },
    { method: 'GET', path: '/v1/models*', format: null, operation: 'models' },
  ],
  claims: [
    { paths: ['/v1beta/*', '/v1alpha/*', '/upload/v1beta/*', '/download/v1beta/*'] },
    // newer SDKs of the vendor's ask below /v1; what is not this API's alone is told by its key
    { paths: ['/v1/models/*', '/v1/tunedModels/*', '/v1/interactions*', '/upload/v1/*'], methods: ['POST'] },
    { paths: ownPlaces.map((name) => `/v1/${name}*`), header: 'x-goog-api-key' },
  ],
}

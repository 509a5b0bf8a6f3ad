/** How an exchange ended (wire-formats 1, design 10). */
export const outcomes = [
  'ok',
  'truncated',
  'filtered',
  'upstream_error_http',
  'upstream_error_stream',
  'upstream_cut',
  'client_cut',
  'proxy_error',
  'interrupted',
  'empty',
] as const
export type Outcome = (typeof outcomes)[number]

/** Outcomes that count as errors in averages and error rates. */
export const isError = (outcome: Outcome): boolean =>
  outcome !== 'ok' && outcome !== 'truncated' && outcome !== 'filtered'

/** Who ended the exchange early; null after a clean end on both sides. */
export type EndBy = 'client' | 'upstream' | 'proxy'

/** How far the exchange had come: reading the request, connecting, waiting for the head, passing the body, done. */
export type Phase = 'request' | 'connect' | 'headers' | 'data' | 'done'

/** What kind of call it was. Only `modelOperations` are in the averages of model calls. */
export const operations = [
  'chat',
  'completion',
  'embeddings',
  'rerank',
  'images',
  'speech',
  'transcription',
  'moderation',
  'models',
  'count_tokens',
  'batches',
  'files',
  'pull',
  'health',
  'preflight',
  'other',
] as const
export type Operation = (typeof operations)[number]

export const modelOperations: ReadonlySet<Operation> = new Set<Operation>([
  'chat',
  'completion',
  'embeddings',
  'rerank',
  'images',
  'speech',
  'transcription',
  'moderation',
])

/** Model calls that are priced by the tokens of texts, so that a tokenizer can stand in for counts that are missing. */
export const estimatedOperations: ReadonlySet<Operation> = new Set<Operation>(['chat', 'completion', 'embeddings'])

/** Model calls whose answer may be plain text, and may say nothing: what was heard may be silence. */
export const textOperations: ReadonlySet<Operation> = new Set<Operation>(['transcription'])

/** Finish reasons in one vocabulary (wire-formats 11.2). The vendor's own word is kept beside it. */
export type FinishReason =
  | 'stop'
  | 'length'
  | 'tool_calls'
  | 'content_filter'
  | 'pause'
  | 'load'
  | 'unload'
  | 'error'
  | 'cancelled'

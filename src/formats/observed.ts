import type { EventCounts } from '../records/llm-run.ts'
import type { Operation } from '../records/outcome.ts'
import type { Decoded, RequestFacts } from './decoder.ts'

/** What the bytes of one exchange mean, before anything is counted or priced. `observe.ts` makes it from an `Exchange`. */
export interface Observed {
  operation: Operation
  /** The format's id, or null when the path has none. */
  format: string | null
  request: RequestFacts
  /** Null when there was no answer to read. */
  decoded: Decoded | null
  /** How the answer was read: events of a stream, one JSON value, text, or bytes that were only counted. */
  framing: 'sse' | 'ndjson' | 'json-array' | 'json' | 'text' | 'binary' | 'none'
  events: EventCounts
  /** The answer's bytes were read to the end of the message without a decoding error. */
  readWhole: boolean
  /** What could not be read, in short English sentences: `gzip ended early`, `3 events were no JSON`. */
  notes: readonly string[]
  /** Why the answer is not what its path and its request promise, or could not be read as that. Null: it is. */
  parseNote: string | null
  /** The call's own secret stood inside a compressed body: its bytes must not be kept. */
  requestHoldsSecret: boolean
  responseHoldsSecret: boolean
}

/** Values came, if any, and none of them said anything that an answer says. One that is still being made does not count. */
export const saysNothing = ({ contentEvents, finishReason, embeddings, pending, progress }: Decoded): boolean =>
  contentEvents === 0 && finishReason === null && embeddings === null && progress === null && !pending

/** The answer came in parts that mean something each. */
export const isStream = ({ framing }: Observed): boolean =>
  framing === 'sse' || framing === 'ndjson' || framing === 'json-array'

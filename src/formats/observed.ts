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
  /** The call's own secret stood inside a compressed body: its bytes must not be kept. */
  requestHoldsSecret: boolean
  responseHoldsSecret: boolean
}

/** The answer came in parts that mean something each. */
export const isStream = ({ framing }: Observed): boolean =>
  framing === 'sse' || framing === 'ndjson' || framing === 'json-array'

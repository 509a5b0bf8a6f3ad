import type { PriceTerms } from '../records/bill.ts'
import type { TokenSource, Usage } from '../records/usage.ts'

/** The numbers of one exchange. */
export interface Metered {
  usage: Usage | null
  tokenSource: TokenSource
  /** Encoding of the estimate (`o200k_base`), null when nothing was estimated. */
  tokenizer: string | null
  timing: Timing
  cost: Cost
  /** Null: nothing but provider, model, time and usage decided the price. */
  priceTerms: PriceTerms | null
}

/** Milliseconds since the request's head was received, unless the name says otherwise. Null: it did not happen. */
export interface Timing {
  latencyMs: number
  ttfbMs: number | null
  ttftMs: number | null
  ttftAnswerMs: number | null
  lastContentMs: number | null
  interTokenMeanMs: number | null
  interTokenP95Ms: number | null
  /** Gaps between content events, for histograms. */
  gapsMs: readonly number[]
  queueMs: number | null
  upstreamMs: number | null
  overheadMs: number | null
  providerMs: number | null
  outputTokensPerSecond: number | null
}

export interface Cost {
  /** Whole 10⁻¹² dollars. Null: unknown. */
  picodollars: bigint | null
  /** The token counts or the price behind it were estimated. */
  estimated: boolean
  /** Why there is no cost, for people: `no price for groq/foo`. */
  unpricedReason: string | null
  /** What people should know of a cost that is there: it rests on a price that was not made for this call. */
  note: string | null
  priceVersion: string | null
  lines: readonly BillLine[]
}

export interface BillLine {
  /** What was billed: `input`, `cached_input`, `output`, `web_search` … */
  kind: string
  /** The price field it was billed by: `input` where no `cached_input` has a price. */
  field: string
  quantity: number
  /** Decimal text as in the price file, in its unit. */
  price: string
  unit: 'per 1M' | 'each'
  /** What the price was multiplied with, as decimal text; null: nothing. */
  factor: string | null
  /** Rounded so that the lines together are the cost. */
  picodollars: bigint
}

/** Counts tokens of text off this thread; bounded. */
export interface TokenCounter {
  count(encoding: string, texts: readonly string[]): Promise<readonly number[]>
  close(): Promise<void>
}

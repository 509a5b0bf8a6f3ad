import type { Count } from './count.ts'

/**
 * What one answer used, in one form for every vendor (wire-formats 11.1). Each field is what the provider reported, or null.
 * `input` holds every input token, cached or not; `output` holds reasoning too, whatever the vendor's own totals include.
 */
export interface Usage {
  input: Count
  /** Input that was neither read from nor written to a cache. */
  inputUncached: Count
  cacheRead: Count
  cacheWrite: Count
  /** The part of `cacheWrite` with the one-hour lifetime; the rest has the default one. */
  cacheWrite1h: Count
  output: Count
  reasoning: Count
  audioInput: Count
  cachedAudioInput: Count
  audioOutput: Count
  imageInput: Count
  cachedImageInput: Count
  imageOutput: Count
  videoInput: Count
  videoOutput: Count
  predictionAccepted: Count
  predictionRejected: Count
  webSearches: Count
  /** Tokens of the sources that an answer cites, where the vendor counts them apart from its input. */
  citations: Count
  /** Requests that are billed a fee beside their tokens, and how much was searched for them (`low` …), as the vendor said. */
  requestFees: Count
  searchContext: string | null
  /** Images made. */
  images: Count
  /** Seconds of sound that were heard or made, as they are billed. */
  audioSeconds: Count
  /** Characters of text that were spoken. */
  characters: Count
  /** Units of a rerank that are billed each. */
  searchUnits: Count
  /** What the vendor bills of input and output, where it tells that apart from what its model processed (Cohere). */
  billedInput: Count
  billedOutput: Count
  /** The vendor's own total, kept as said. */
  totalReported: Count
  /** The vendor's own bill in USD as a decimal text without exponent (OpenRouter), or null. */
  costReportedUsd: string | null
}

/** Where the token counts of a record come from, best first. `none`: the call made no tokens that anyone counted. */
export type TokenSource = 'reported' | 'timings' | 'header' | 'estimated' | 'none'

export const unknownUsage: Readonly<Usage> = Object.freeze({
  input: null,
  inputUncached: null,
  cacheRead: null,
  cacheWrite: null,
  cacheWrite1h: null,
  output: null,
  reasoning: null,
  audioInput: null,
  cachedAudioInput: null,
  audioOutput: null,
  imageInput: null,
  cachedImageInput: null,
  imageOutput: null,
  videoInput: null,
  videoOutput: null,
  predictionAccepted: null,
  predictionRejected: null,
  webSearches: null,
  citations: null,
  requestFees: null,
  searchContext: null,
  images: null,
  audioSeconds: null,
  characters: null,
  searchUnits: null,
  billedInput: null,
  billedOutput: null,
  totalReported: null,
  costReportedUsd: null,
})

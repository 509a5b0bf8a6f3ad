/** What a load generator is to do. */
export interface Job {
  kind: 'closed' | 'open' | 'streams' | 'idle' | 'slow'
  host: string
  port: number
  connections: number
  seconds: number
  /** `open`: calls a second, whether or not answers have come. */
  rate?: number
  method: string
  path: string
  headers: Readonly<Record<string, string>>
  /** The request's body: a text, and how often it stands there. */
  body: { text: string; times: number }
  /** SHA-1 of the answer's body, or null where it differs from call to call. */
  sha1: string | null
  /** `slow`: bytes that a reader takes a second. */
  bytesPerSecond?: number
}

export interface Spread {
  p50: number
  p90: number
  p99: number
  p999: number
  max: number
}

export interface JobResult {
  calls: number
  /** Calls without an answer, with another status than 200, or with other bytes than the upstream sent. */
  failed: number
  firstFailure: string | null
  seconds: number
  /** From the request's first byte (`open`: from when it was due) to the answer's last. */
  latencyMs: Spread | null
  /** To the first byte of the body. */
  ttftMs: Spread | null
  /** From a chunk's sending by the upstream to its arrival. */
  lagMs: Spread | null
  chunks: number
}

export function spreadOf(values: Float64Array): Spread | null {
  if (values.length === 0) return null
  const sorted = values.slice().sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: sorted.at(-1)! }
}

/** Numbers without a list that grows by copies. */
export class Samples {
  #values = new Float64Array(1 << 16)
  #size = 0

  add(value: number): void {
    if (this.#size === this.#values.length) {
      const larger = new Float64Array(this.#size * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#size++] = value
  }

  get size(): number {
    return this.#size
  }

  spread(): Spread | null {
    return spreadOf(this.#values.subarray(0, this.#size))
  }
}

import type { Decoded } from '../formats/decoder.ts'
import type { Count } from '../records/count.ts'
import type { Exchange } from '../records/exchange.ts'
import type { Usage } from '../records/usage.ts'
import type { Timing } from './metered.ts'

/** The times of one exchange (wire-formats 1). An answer that is no stream has no first token. */
export function timingOf(exchange: Exchange, decoded: Decoded | null, usage: Usage | null): Timing {
  const { open, head, close } = exchange
  const since = (atMs: number | null | undefined): number | null =>
    atMs === null || atMs === undefined ? null : rounded(Math.max(0, atMs - open.atMs))
  const latencyMs = since(endOf(exchange)) ?? 0
  const gapsMs = gapsBetween(decoded?.contentAtMs ?? [])
  const { queueMs, sendMs, upstreamMs } = shares(exchange)
  return {
    latencyMs,
    ttfbMs: since(head?.atMs),
    ttftMs: since(decoded?.firstContentAtMs),
    ttftAnswerMs: since(decoded?.firstAnswerAtMs),
    lastContentMs: since(decoded?.lastContentAtMs),
    interTokenMeanMs: gapsMs.length > 0 ? rounded(gapsMs.reduce((sum, gap) => sum + gap, 0) / gapsMs.length) : null,
    interTokenP95Ms: nearestRank(gapsMs, 0.95),
    gapsMs,
    queueMs,
    upstreamMs,
    overheadMs: close === null || upstreamMs === null ? null : rounded(Math.max(0, latencyMs - upstreamMs - sendMs)),
    providerMs: providerTime(exchange, decoded),
    outputTokensPerSecond: outputRate(decoded, usage),
  }
}

/** The value at rank ⌈p·n⌉ of the sorted values. */
export function nearestRank(values: readonly number[], p: number): number | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? null
}

/** Without a CLOSE frame the last thing that was seen. */
function endOf({ open, head, close, request, response }: Exchange): number {
  if (close) return close.atMs
  return Math.max(open.atMs, head?.atMs ?? 0, request.pieces.at(-1)?.atMs ?? 0, response.pieces.at(-1)?.atMs ?? 0)
}

/**
 * Queue: what passed before the upstream was called, less the time the client needed to send a request that was complete by
 * then. Upstream: from that call to the answer's last byte, or to its head or the failure when no byte came.
 */
function shares({ open, head, close }: Exchange): {
  queueMs: number | null
  sendMs: number
  upstreamMs: number | null
} {
  const dispatched = close?.dispatchedAtMs ?? null
  if (close === null || dispatched === null) return { queueMs: null, sendMs: 0, upstreamMs: null }
  const sent = close.requestEndAtMs
  const sendMs = sent !== null && sent <= dispatched ? Math.max(0, sent - open.atMs) : 0
  const last = close.upstreamComplete ? (close.lastByteAtMs ?? head?.atMs ?? close.atMs) : close.atMs
  return {
    queueMs: rounded(Math.max(0, dispatched - open.atMs - sendMs)),
    sendMs,
    upstreamMs: rounded(Math.max(0, last - dispatched)),
  }
}

function gapsBetween(times: readonly number[]): number[] {
  const gaps: number[] = []
  for (let place = 1; place < times.length; place++) gaps.push(rounded(Math.max(0, times[place]! - times[place - 1]!)))
  return gaps
}

/** Headers with the server's own processing time, and how many milliseconds their unit has. */
const processingHeaders: readonly (readonly [name: string, unitMs: number])[] = [
  ['openai-processing-ms', 1],
  ['fireworks-server-processing-time', 1000],
  ['x-envoy-upstream-service-time', 1],
]

function providerTime({ head }: Exchange, decoded: Decoded | null): number | null {
  if (decoded && decoded.timings.totalMs !== null) return decoded.timings.totalMs
  for (const [wanted, unitMs] of processingHeaders) {
    const text = head?.headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
    if (text !== undefined && /^\d+(\.\d+)?$/.test(text)) return rounded(Number(text) * unitMs)
  }
  return null
}

/** A burst that arrived together says nothing about the speed of generation. */
const shortestSpanMs = 10

/**
 * Output tokens by the time between the first and the last content event, where there was such a time; else by the server's
 * own generation time; else unknown. Reasoning that was not shown came before the first event and does not count there.
 */
function outputRate(decoded: Decoded | null, usage: Usage | null): number | null {
  const output = usage?.output ?? null
  if (!decoded || output === null || output === 0) return null
  const { firstContentAtMs: first, lastContentAtMs: last } = decoded
  if (first !== null && last !== null && last - first >= shortestSpanMs) {
    const hidden = decoded.choices.every((choice) => choice.reasoning === '') ? (usage?.reasoning ?? 0) : 0
    return perSecond(output - hidden, last - first)
  }
  return perSecond(output, decoded.timings.generationMs)
}

const perSecond = (tokens: number, ms: Count): number | null =>
  ms === null || ms <= 0 || tokens <= 0 ? null : rounded((tokens * 1000) / ms)

/** Microseconds are the finest thing that means something here. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

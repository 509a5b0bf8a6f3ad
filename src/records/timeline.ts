import type { TelemetryRecord } from './telemetry.ts'

/** When what happened in a call: milliseconds since its request was accepted. */
export interface Timeline {
  events: readonly TimelineEvent[]
  /** The longest times without a byte of the answer, the longest first. */
  pauses: readonly { from_ms: number; ms: number }[]
}

export interface TimelineEvent {
  at_ms: number
  event: TimelineEventName
  /** Of the answer, that had come by then; null where that is not known. */
  bytes: number | null
}

export const timelineEvents = [
  'request',
  'head',
  'first_bytes',
  'first_token',
  'first_answer_text',
  'last_token',
  'last_bytes',
  'end',
] as const
export type TimelineEventName = (typeof timelineEvents)[number]

const mostPauses = 3

/** `chunkTimes`: pairs of (milliseconds since accepted, offset of the piece's end); null: not captured. */
export function timelineOf(
  { metadata }: TelemetryRecord,
  chunkTimes: readonly (readonly [number, number])[] | null,
): Timeline {
  const pieces = chunkTimes ?? []
  const marks: readonly (readonly [TimelineEventName, number | null | undefined])[] = [
    ['request', 0],
    ['head', metadata.ttfb_ms],
    ['first_bytes', pieces[0]?.[0]],
    ['first_token', metadata.ttft_ms],
    ['first_answer_text', metadata.ttft_answer_ms],
    ['last_token', metadata.last_content_ms],
    ['last_bytes', pieces.at(-1)?.[0]],
    ['end', metadata.latency_ms],
  ]
  const bytesBy = (atMs: number): number | null =>
    // times in the record are rounded to the microsecond
    pieces.length === 0 ? null : (pieces.findLast(([at]) => at <= atMs + 0.001)?.[1] ?? 0)
  const events = marks
    .flatMap(([event, at]) =>
      at === null || at === undefined ? [] : [{ at_ms: rounded(at), event, bytes: bytesBy(at) }],
    )
    .sort((one, other) => one.at_ms - other.at_ms)
  const pauses = pieces
    .slice(1)
    .map(([at], place) => ({ from_ms: rounded(pieces[place]![0]), ms: rounded(at - pieces[place]![0]) }))
    .filter(({ ms }) => ms > 0)
    .sort((one, other) => other.ms - one.ms)
    .slice(0, mostPauses)
  return { events, pauses }
}

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

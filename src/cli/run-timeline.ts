import { type TimelineEventName, timelineOf } from '../records/timeline.ts'
import type { RunDetail } from '../stores/store.ts'
import { bytesText, countText, durationText } from './text.ts'

/** When the answer came: its marks with the bytes that had come by then, and the longest pauses. */
export function timelineText({ telemetry, chunkTimes }: RunDetail): string {
  const { events, pauses } = timelineOf(telemetry, chunkTimes)
  const { status_code: status, request_size: asked } = telemetry.metadata
  const about: Readonly<Record<TimelineEventName, string>> = {
    request: `request, ${bytesText(asked)}`,
    head: `head of the answer, HTTP ${telemetry.metadata.upstream_status ?? status}`,
    first_bytes: 'first bytes',
    first_token: 'first token',
    first_answer_text: 'first answer text',
    last_token: 'last token',
    last_bytes: 'last bytes',
    end: 'end',
  }
  const lines = events.map(({ at_ms, event, bytes }) => {
    const came = bytes === null || event === 'request' || event === 'head' ? '' : `  ${bytesText(bytes)}`
    return `  ${durationText(at_ms).padStart(9)}  ${about[event]}${came}`
  })
  const longest = pauses.map(({ from_ms, ms }) => `${durationText(ms)} from ${durationText(from_ms)} on`)
  const rest =
    chunkTimes === null || chunkTimes.length < 2
      ? ''
      : `  ${countText(chunkTimes.length)} pieces${longest.length > 0 ? `; longest pauses: ${longest.join(', ')}` : ''}\n`
  return `\ntimeline\n${lines.join('\n')}\n${rest}`
}

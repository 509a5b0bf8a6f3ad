import type { RunDetail } from '../stores/store.ts'
import { billText } from './run-bill.ts'
import { saidText, usageText } from './run-said.ts'
import { serverText } from './run-server.ts'
import { shaped } from './run-shape.ts'
import { timelineText } from './run-timeline.ts'
import { costText, usedText } from './run-used.ts'
import { bytesText, countText, durationText, oneLine, rateText, timeText, unknown, widthOf } from './text.ts'

/** One call as a person reads it. What was said is left to the terminal to wrap, so that it can be copied. */
export function runText(given: RunDetail, zone: string, width: number, isFull: boolean): string {
  const detail = shaped(given)
  const { telemetry, run } = detail
  const { metadata } = telemetry
  const model = metadata.model_served ?? metadata.model_requested
  const used = usedText(detail)
  const title = [telemetry._id, metadata.operation, model, metadata.upstream].filter(Boolean).join(dot)
  const facts: readonly (readonly [label: string, lines: readonly (string | null)[]])[] = [
    ['When', [timeText(telemetry.timestamp_ms, zone, 'full')]],
    ['Who', [whoText(detail)]],
    ['Call', [callText(detail)]],
    ['Outcome', [outcomeText(detail), metadata.error_message]],
    ['Answer', [metadata.parse_note]],
    ['Model', [modelText(detail)]],
    [used.label, [used.text]],
    ['Cost', [costText(detail)]],
    ['Timing', timingLines(detail)],
    ['Server', [serverText(detail)]],
    ['Bytes', [bodyText('request', run.request_body), bodyText('answer', run.response_body)]],
    ['Parameters', [parametersText(run.parameters)]],
    ['Tools', [run.tools.length > 0 ? run.tools.map(String).join(', ') : null]],
    ['Notes', metadata.notes.map(String)],
  ]
  const head = facts.flatMap(([label, lines]) =>
    lines
      .filter((line) => line !== null && line !== '')
      .flatMap((line) => brokenAtDots(oneLine(String(line)), width - labelWidth))
      .map((line, place) => `${(place === 0 ? label : '').padEnd(labelWidth)}${line}`),
  )
  const sections = [billText(detail, width), timelineText(detail), saidText(detail, isFull), usageText(detail)]
  return `${oneLine(title)}\n\n${head.join('\n')}\n${sections.join('')}`
}

const labelWidth = 12
const dot = ' · '

/** The text in lines of at most so many columns, as far as a dot stands where they can end. */
function brokenAtDots(text: string, columns: number): readonly string[] {
  const lines: string[] = []
  for (const part of text.split(dot)) {
    const longer = `${lines.at(-1)}${dot}${part}`
    if (lines.length > 0 && widthOf(longer) <= columns) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  return lines
}

function whoText({ telemetry }: RunDetail): string {
  const { metadata } = telemetry
  const key =
    metadata.key_id === null ? null : `key ${metadata.key_id}${metadata.key_name ? ` (${metadata.key_name})` : ''}`
  const named = [
    `project ${metadata.project_id ?? unknown}${metadata.project_name && metadata.project_name !== metadata.project_id ? ` (${metadata.project_name})` : ''}`,
    ...(
      [
        ['user', metadata.user_id],
        ['organisation', metadata.organisation_id],
        ['experiment', metadata.experiment_id],
        ['session', metadata.session_id],
        ['environment', metadata.environment],
      ] as const
    ).map(([label, value]) => (value === null ? null : `${label} ${value}`)),
    key,
    telemetry.client_ip ? `from ${telemetry.client_ip}` : null,
  ]
  return named.filter((part) => part !== null).join(dot)
}

const callText = ({ telemetry: { metadata } }: RunDetail): string => {
  const { method, endpoint, upstream, stream } = metadata
  return `${method ?? unknown} ${endpoint ?? unknown} → ${upstream ?? unknown}${stream ? ' · streamed' : ''}`
}

function outcomeText({ telemetry: { metadata } }: RunDetail): string {
  const parts = [
    metadata.outcome,
    metadata.status_code === 0 ? 'no answer was sent' : `HTTP ${metadata.status_code ?? unknown}`,
    metadata.upstream_status !== null && metadata.upstream_status !== metadata.status_code
      ? `upstream HTTP ${metadata.upstream_status}`
      : null,
    metadata.finish_reason === null ? null : `finished: ${metadata.finish_reason}`,
    metadata.end_by === null ? null : `ended by the ${metadata.end_by} (phase: ${metadata.end_phase})`,
    metadata.error_code === metadata.outcome ? null : (metadata.error_code ?? metadata.error_type),
  ]
  return parts.filter((part) => part !== null).join(dot)
}

function modelText({ telemetry: { metadata } }: RunDetail): string | null {
  const { model_requested: asked, model_served: served } = metadata
  if (asked === null && served === null) return null
  if (asked === served || served === null) return `${asked}${served === null ? ' (as asked)' : ''}`
  return asked === null ? served : `${served} (asked for ${asked})`
}

function timingLines({ telemetry: { metadata }, chunkTimes }: RunDetail): readonly (string | null)[] {
  const timed = (label: string, ms: number | null) => (ms === null ? null : `${label} ${durationText(ms)}`)
  const line = (...parts: readonly (string | null)[]) => parts.filter((part) => part !== null).join(dot) || null
  return [
    line(
      timed('first byte', metadata.ttfb_ms),
      timed('first token', metadata.ttft_ms),
      metadata.ttft_answer_ms === metadata.ttft_ms ? null : timed('first answer text', metadata.ttft_answer_ms),
      timed('last token', metadata.last_content_ms),
      timed('end', metadata.latency_ms),
    ),
    line(
      timed('gaps between tokens', metadata.inter_token_mean_ms),
      timed('p95', metadata.inter_token_p95_ms),
      metadata.output_tokens_per_second === null
        ? null
        : `${rateText(metadata.output_tokens_per_second)} output tokens`,
      chunkTimes && chunkTimes.length > 1 ? `${countText(chunkTimes.length)} pieces` : null,
    ),
    line(
      timed('upstream', metadata.upstream_ms),
      timed('provider says', metadata.provider_ms),
      timed('our overhead', metadata.overhead_ms),
      timed('of it before the call', metadata.queue_ms),
    ),
  ]
}

function bodyText(label: string, body: RunDetail['run']['request_body']): string {
  const parts = [
    `${label} ${bytesText(body.size)}`,
    body.content_type,
    body.content_encoding,
    body.kept === 0 && body.size > 0 ? 'not kept' : body.truncated ? `${bytesText(body.kept)} kept` : null,
  ]
  return parts.filter(Boolean).join(dot)
}

function parametersText(parameters: Record<string, unknown>): string | null {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined)
  const shown = given.map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return shown.length > 0 ? shown.join(dot) : null
}

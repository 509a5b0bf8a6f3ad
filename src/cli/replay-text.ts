import { type DiffLine, lineDiff } from '../lib/line-diff.ts'
import { arrayAt, stringAt } from '../records/json.ts'
import type { RunDetail } from '../stores/store.ts'
import { toolCallText } from './run-said.ts'
import { tableText } from './table.ts'
import { countText, durationText, harmless, moneyText, oneLine, rateText, unknown } from './text.ts'

/** Both calls beside each other and what their answers say differently, for programs. */
export function comparison(original: RunDetail, replay: RunDetail) {
  const [before, after] = [answerText(original), answerText(replay)]
  return {
    original: factsOf(original, before),
    replay: factsOf(replay, after),
    same_text: before !== null && after !== null ? before === after : null,
    diff: before !== null && after !== null ? lineDiff(before, after) : null,
  }
}

type Comparison = ReturnType<typeof comparison>
type Facts = Comparison['original']

function factsOf({ telemetry, run }: RunDetail, text: string | null) {
  const { metadata } = telemetry
  return {
    id: telemetry._id,
    upstream: metadata.upstream,
    model: metadata.model_served ?? metadata.model_requested,
    status_code: metadata.status_code,
    outcome: metadata.outcome,
    error_message: metadata.error_message,
    finish_reason: metadata.finish_reason,
    input_tokens: metadata.usage?.input ?? metadata.prompt_tokens,
    output_tokens: metadata.usage?.output ?? metadata.completion_tokens,
    token_source: metadata.token_source,
    cost_picodollars: metadata.cost_picodollars,
    ttft_ms: metadata.ttft_ms,
    latency_ms: metadata.latency_ms,
    output_tokens_per_second: metadata.output_tokens_per_second,
    text,
    text_truncated: run.text_truncated,
  }
}

/** What was answered, with the calls of tools; null where none of it is known. */
function answerText({ run }: RunDetail): string | null {
  const choices = run.choices.length > 0 ? run.choices : [{ text: run.completion, tool_calls: run.tool_calls }]
  const texts = choices.flatMap((choice) => [
    stringAt(choice, 'text'),
    stringAt(choice, 'refusal'),
    ...arrayAt(choice, 'tool_calls').map(toolCallText),
  ])
  const said = texts.filter((text) => text !== null && text !== '')
  if (said.length > 0) return said.join('\n')
  return run.completion
}

/** The same for people. */
export function comparisonText(compared: Comparison, width: number): string {
  const { original, replay, diff } = compared
  const table = tableText(
    [
      { head: '', text: ({ name }) => name },
      { head: 'Original', text: ({ of }) => oneLine(of(original)), least: 12 },
      { head: 'Replay', text: ({ of }) => oneLine(of(replay)), least: 12 },
    ],
    rows,
    width,
  )
  const errors = [original, replay]
    .filter(({ error_message }) => error_message !== null)
    .map(({ upstream, error_message }) => `${oneLine(`${upstream}: ${error_message}`)}\n`)
  return `${table}${errors.length > 0 ? `\n${errors.join('')}` : ''}\n${diffText(compared, diff)}`
}

const rows: readonly { name: string; of: (facts: Facts) => string }[] = [
  { name: 'ID', of: ({ id }) => id },
  { name: 'Upstream', of: ({ upstream }) => upstream },
  { name: 'Model', of: ({ model }) => model ?? unknown },
  { name: 'Status', of: ({ status_code, outcome }) => `${status_code} ${outcome}` },
  { name: 'Finish', of: ({ finish_reason }) => finish_reason ?? unknown },
  { name: 'In', of: (facts) => tokens(facts, facts.input_tokens) },
  { name: 'Out', of: (facts) => tokens(facts, facts.output_tokens) },
  { name: 'Cost', of: ({ cost_picodollars }) => moneyText(cost_picodollars) },
  { name: 'TTFT', of: ({ ttft_ms }) => durationText(ttft_ms) },
  { name: 'Latency', of: ({ latency_ms }) => durationText(latency_ms) },
  { name: 'Tokens/s', of: ({ output_tokens_per_second }) => rateText(output_tokens_per_second) },
]

const tokens = ({ token_source }: Facts, count: number | null): string =>
  count === null ? unknown : `${token_source === 'estimated' ? '~' : ''}${countText(count)}`

function diffText({ original, replay, same_text }: Comparison, diff: readonly DiffLine[] | null): string {
  const cut = [original, replay].some(({ text_truncated }) => text_truncated) ? '(texts were cut at the limit)\n' : ''
  if (diff === null) {
    const silent = original.text === null ? 'the original' : 'the replay'
    const text = original.text ?? replay.text
    return `Nothing to compare: no text is known of ${silent}.\n${text === null ? '' : `\n${indented(text)}`}${cut}`
  }
  if (same_text) return `Both answered the same:\n\n${indented(original.text ?? '')}${cut}`
  const lines = diff.map(({ kind, text }) => `${signs[kind]} ${harmless(text)}`.trimEnd())
  return `--- ${original.upstream}\n+++ ${replay.upstream}\n${lines.join('\n')}\n${cut}`
}

const signs = { same: ' ', removed: '-', added: '+' } as const

const indented = (text: string): string =>
  `${harmless(text)
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n')}\n`

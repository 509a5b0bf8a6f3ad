import type { Choice, RequestMessage } from '../formats/decoder.ts'
import type { Observed } from '../formats/observed.ts'
import { sizesOf } from '../formats/rare-parameters.ts'
import { recordedCost } from '../meter/price-again.ts'
import { sumKnown } from '../records/count.ts'
import { countAt } from '../records/json.ts'
import type { RunRecord } from '../records/llm-run.ts'
import { isError } from '../records/outcome.ts'
import { storedNames } from '../records/stored-names.ts'
import type { Findings } from './telemetry.ts'

/** The run document: what was asked and answered, as far as the capture rules let it be kept. */
export function runOf(findings: Findings, textLimit: number): RunRecord {
  const { exchange, observed, ending, metered, keepRequest, keepResponse } = findings
  const { open, head, close } = exchange
  const { request, decoded } = observed
  const { usage, timing } = metered
  const cost = recordedCost(metered.cost)
  const model = decoded?.model ?? request.model
  const prompt = promptOf(request.messages)
  const choices = decoded?.choices ?? []
  const completion = completionOf(choices[0])
  const clip = new Clip(textLimit)
  return {
    _id: open.id,
    request_id: open.id,
    timestamp: new Date(open.wallMs).toISOString(),
    timestamp_ms: open.wallMs,

    soeid: open.context.user,
    project_name: findings.projectName,
    project_id: open.context.project,
    key_id: open.keyFingerprint,
    provider: open.provider,
    operation: observed.operation,
    model: model ?? 'unknown',
    prompt: keepRequest ? clip.text(prompt) : null,
    completion: keepResponse ? clip.text(completion) : null,
    temperature: request.parameters.temperature,
    max_tokens: request.parameters.max_tokens,
    prompt_tokens: usage?.input ?? null,
    completion_tokens: usage?.output ?? null,
    total_tokens: sumKnown(usage?.input ?? null, usage?.output ?? null),
    latency_ms: timing.latencyMs,

    model_name: model,
    model_version: versionOf(model),
    prompt_length: prompt?.length ?? null,
    response_length: completion?.length ?? null,
    response_time_ms: timing.latencyMs,
    queue_time_ms: timing.queueMs,
    processing_time_ms: timing.queueMs === null ? null : Math.max(0, timing.latencyMs - timing.queueMs),
    tokens_per_second: timing.outputTokensPerSecond,
    success: !isError(ending.outcome),
    error_message: ending.errorMessage,
    metadata: serverMetadata(observed, model),

    messages: keepRequest ? storedNames(clip.messages(request.messages)) : [],
    choices: keepResponse ? storedNames(clip.choices(choices)) : [],
    tools: keepRequest ? request.toolNames : [],
    reasoning: keepResponse ? clip.text(choices[0]?.reasoning || null) : null,
    tool_calls: keepResponse
      ? clip.choices(choices.slice(0, 1)).flatMap((choice) => storedNames(choice.toolCalls))
      : [],
    refusal: keepResponse ? clip.text(choices[0]?.refusal || null) : null,
    parameters: { ...request.parameters, ...(keepRequest ? {} : { stop: null, ...sizesOf(request) }) },
    finish_reason: decoded?.finishReason ?? null,
    finish_reason_raw: choices.find((choice) => choice.finishReasonRaw !== null)?.finishReasonRaw ?? null,
    response_id: decoded?.responseId ?? null,
    system_fingerprint: decoded?.systemFingerprint ?? null,
    service_tier: decoded?.serviceTier ?? null,
    text_truncated: clip.cut || (keepResponse && decoded?.textTruncated === true),

    outcome: ending.outcome,
    status_code: close ? (close.statusSent ?? 0) : (head?.status ?? 0),
    token_source: metered.tokenSource,
    cost_usd: cost.fields.cost_usd,
    bill: cost.bill,
    raw_usage: decoded?.rawUsage ?? null,
    request_headers: open.requestHeaders,
    response_headers: head?.headers ?? [],
    events: observed.events,
    request_body: findings.requestBody,
    response_body: findings.responseBody,
  }
}

/** The conversation as one text; with more than one message, each begins with its role. */
function promptOf(messages: readonly RequestMessage[]): string | null {
  if (messages.length === 0) return null
  if (messages.length === 1) return readable(messages[0]!)
  return messages.map((message) => `${message.role}: ${readable(message)}`).join('\n\n')
}

const readable = (message: RequestMessage): string =>
  message.text !== '' || message.toolCalls.length === 0 ? message.text : JSON.stringify(message.toolCalls)

/** What the first choice said; its tool calls as JSON where it said nothing. */
function completionOf(choice: Choice | undefined): string | null {
  if (!choice) return null
  if (choice.text !== '') return choice.text
  if (choice.toolCalls.length > 0) return JSON.stringify(choice.toolCalls)
  return choice.refusal || choice.parts.join(' ')
}

/** A tag (`llama3.2:3b`) or a date at the end of a model's name. */
function versionOf(model: string | null): string | null {
  const tag = model?.includes(':') && !model.startsWith('ft:') ? model.slice(model.lastIndexOf(':') + 1) : null
  return tag ?? /\d{4}-\d{2}-\d{2}$|\d{8}$/.exec(model ?? '')?.[0] ?? null
}

/** The server's own counters and times, where it reports any. */
function serverMetadata({ format, decoded }: Observed, model: string | null): Record<string, unknown> {
  if (!decoded) return {}
  const { timings, rawUsage, usage, progress } = decoded
  if (progress) return { ...storedNames(progress) }
  if (format?.startsWith('ollama')) {
    const evalCount = countAt(rawUsage, 'eval_count') ?? usage?.output ?? null
    return {
      ollama_response: true,
      model_version: versionOf(model),
      prompt_eval_count: countAt(rawUsage, 'prompt_eval_count') ?? usage?.input ?? null,
      eval_count: evalCount,
      prompt_eval_duration_ms: timings.promptMs,
      eval_duration_ms: timings.generationMs,
      load_duration_ms: timings.loadMs,
      total_duration_ms: timings.totalMs,
      tokens_per_second: evalCount !== null && timings.generationMs ? (evalCount * 1000) / timings.generationMs : null,
    }
  }
  if (Object.values(timings).every((time) => time === null)) return {}
  return {
    queue_duration_ms: timings.queueMs,
    load_duration_ms: timings.loadMs,
    prompt_eval_duration_ms: timings.promptMs,
    eval_duration_ms: timings.generationMs,
    total_duration_ms: timings.totalMs,
  }
}

/**
 * Keeps every text of a document within a limit, and remembers whether it had to cut. Half a surrogate pair, from a vendor or from
 * a cut, becomes U+FFFD: databases store UTF-8, and not all of them keep it.
 */
class Clip {
  cut = false
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  text<T extends string | null>(text: T): T
  text(text: string | null): string | null {
    if (text === null) return text
    if (text.length <= this.#limit) return text.toWellFormed()
    this.cut = true
    return text.slice(0, this.#limit).toWellFormed()
  }

  messages(messages: readonly RequestMessage[]): RequestMessage[] {
    const take = this.#budget()
    return messages.map((message) => ({
      ...message,
      text: take(message.text),
      toolCalls: message.toolCalls.map((call) => ({ ...call, arguments: take(call.arguments) })),
    }))
  }

  choices(choices: readonly Choice[]): Choice[] {
    const take = this.#budget()
    return choices.map((choice) => ({
      ...choice,
      text: take(choice.text),
      reasoning: take(choice.reasoning),
      refusal: take(choice.refusal),
      toolCalls: choice.toolCalls.map((call) => ({ ...call, arguments: take(call.arguments) })),
    }))
  }

  #budget(): (text: string) => string {
    let left = this.#limit
    return (text) => {
      const kept = text.slice(0, left)
      if (kept.length < text.length) this.cut = true
      left -= kept.length
      return kept.toWellFormed()
    }
  }
}

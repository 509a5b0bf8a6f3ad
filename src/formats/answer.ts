import type { FinishReason } from '../records/outcome.ts'
import type { TokenSource, Usage } from '../records/usage.ts'
import { type AnswerError, type Choice, type Decoded, noTimings, type ServerTimings, type ToolCall } from './decoder.ts'

const limits = { textCharacters: 8 << 20, choices: 256, toolCalls: 512, contentTimes: 200_000 }

/**
 * Collects one answer for a decoder: text by channel and choice, tool calls, finish reasons, usage, times. It holds the
 * rules that all formats share (what counts as a first token, which finish reason wins, the limits), so that a decoder only
 * says which field is which.
 */
export class Answer {
  responseId: string | null = null
  model: string | null = null
  systemFingerprint: string | null = null
  serviceTier: string | null = null
  usage: Usage | null = null
  tokenSource: TokenSource = 'none'
  rawUsage: unknown = null
  timings: ServerTimings = { ...noTimings }
  error: AnswerError | null = null
  terminated = false
  embeddings: number | null = null

  readonly #choices = new Map<number, ChoiceInProgress>()
  readonly #contentAtMs: number[] = []
  #contentEvents = 0
  #eventAtMs = Number.NaN
  #eventCounted = true
  #timed = false
  #firstContentAtMs: number | null = null
  #firstAnswerAtMs: number | null = null
  #lastContentAtMs: number | null = null
  #characters = 0
  #textTruncated = false

  /** Starts an event of a stream; content added until the next call arrived at `atMs`. Without it nothing is timed. */
  event(atMs: number): void {
    this.#eventAtMs = atMs
    this.#eventCounted = false
    this.#timed = true
  }

  /** Takes the first value that is not empty. */
  identify(id: unknown, model: unknown): void {
    if (this.responseId === null && typeof id === 'string' && id !== '') this.responseId = id
    if (this.model === null && typeof model === 'string' && model !== '') this.model = model
  }

  text(index: number, value: unknown): void {
    this.#append(index, 'text', value, true)
  }

  reasoning(index: number, value: unknown): void {
    this.#append(index, 'reasoning', value, false)
  }

  refusal(index: number, value: unknown): void {
    this.#append(index, 'refusal', value, true)
  }

  /** Generated content that is no text: audio, an image. `placeholder` is what a person reads instead. */
  part(index: number, placeholder: string): void {
    this.#content(false)
    const parts = this.#choice(index)?.parts
    if (parts && parts.length < limits.toolCalls) parts.push(placeholder)
  }

  /** Generated content whose value is not kept (redacted thinking). */
  hidden(): void {
    this.#content(false)
  }

  /** Text that the model did not generate (an echoed prompt): kept, never timed. */
  echoed(index: number, value: unknown): void {
    const choice = this.#choice(index)
    if (choice && typeof value === 'string') choice.text += this.#within(value)
  }

  /**
   * A fragment of a tool call. `slot` tells calls of one choice apart (an index or an id). A name is set once: empty and
   * repeated names add nothing. Arguments are appended; an object is stored as its JSON.
   */
  tool(index: number, slot: string | number, fragment: { id?: unknown; name?: unknown; arguments?: unknown }): void {
    const calls = this.#choice(index)?.calls
    if (!calls) return
    let call = calls.get(slot)
    if (!call) {
      if (calls.size >= limits.toolCalls) return
      call = { id: null, name: '', arguments: '' }
      calls.set(slot, call)
    }
    if (call.id === null && typeof fragment.id === 'string' && fragment.id !== '') call.id = fragment.id
    if (typeof fragment.name === 'string' && fragment.name !== '') {
      this.#content(false)
      if (call.name === '') call.name = this.#within(fragment.name)
    }
    const given = fragment.arguments
    const text =
      typeof given === 'string' ? given : typeof given === 'object' && given !== null ? JSON.stringify(given) : ''
    if (text !== '') {
      this.#content(false)
      call.arguments += this.#within(text)
    }
  }

  /** The slot of the tool call last begun in a choice, for vendors that send no index. */
  lastToolSlot(index: number): string | number | null {
    const slots = [...(this.#choices.get(index)?.calls.keys() ?? [])]
    return slots.at(-1) ?? null
  }

  /** The first reason of a choice wins, but a filter or an error overrides an earlier one (wire-formats 11.2). */
  finish(index: number, raw: string, reason: FinishReason): void {
    const choice = this.#choice(index)
    if (!choice) return
    if (choice.finishReason !== null && reason !== 'content_filter' && reason !== 'error') return
    choice.finishReason = reason
    choice.finishReasonRaw = raw
  }

  /** The first error stays. */
  fail(error: AnswerError): void {
    this.error ??= error
  }

  hasContent(): boolean {
    return this.#contentEvents > 0
  }

  result(): Decoded {
    const choices = [...this.#choices.values()]
      .sort((one, other) => one.index - other.index)
      .map(({ calls, ...choice }): Choice => ({ ...choice, toolCalls: [...calls.values()] }))
    const reasons = choices.map((choice) => choice.finishReason).filter((reason) => reason !== null)
    return {
      responseId: this.responseId,
      model: this.model,
      systemFingerprint: this.systemFingerprint,
      serviceTier: this.serviceTier,
      choices,
      finishReason: reasons.find((reason) => reason === 'error' || reason === 'content_filter') ?? reasons[0] ?? null,
      usage: this.usage,
      tokenSource: this.usage === null ? 'none' : this.tokenSource,
      rawUsage: this.rawUsage,
      timings: this.timings,
      error: this.error,
      terminated: this.terminated,
      firstContentAtMs: this.#firstContentAtMs,
      firstAnswerAtMs: this.#firstAnswerAtMs,
      lastContentAtMs: this.#lastContentAtMs,
      contentAtMs: this.#contentAtMs,
      contentEvents: this.#contentEvents,
      textTruncated: this.#textTruncated,
      embeddings: this.embeddings,
    }
  }

  #append(index: number, channel: 'text' | 'reasoning' | 'refusal', value: unknown, answers: boolean): void {
    if (typeof value !== 'string' || value === '') return
    this.#content(answers)
    const choice = this.#choice(index)
    if (choice) choice[channel] += this.#within(value)
  }

  #content(answers: boolean): void {
    if (!this.#eventCounted || !this.#timed) this.#contentEvents++
    if (!this.#timed) return
    if (!this.#eventCounted) {
      this.#eventCounted = true
      if (this.#contentAtMs.length < limits.contentTimes) this.#contentAtMs.push(this.#eventAtMs)
      this.#firstContentAtMs ??= this.#eventAtMs
      this.#lastContentAtMs = this.#eventAtMs
    }
    if (answers) this.#firstAnswerAtMs ??= this.#eventAtMs
  }

  #choice(index: number): ChoiceInProgress | null {
    const known = this.#choices.get(index)
    if (known) return known
    if (!Number.isSafeInteger(index) || index < 0 || this.#choices.size >= limits.choices) return null
    const choice: ChoiceInProgress = {
      index,
      text: '',
      reasoning: '',
      refusal: '',
      finishReason: null,
      finishReasonRaw: null,
      parts: [],
      calls: new Map(),
    }
    this.#choices.set(index, choice)
    return choice
  }

  #within(value: string): string {
    const room = limits.textCharacters - this.#characters
    if (value.length > room) this.#textTruncated = true
    const kept = value.length > room ? value.slice(0, Math.max(0, room)) : value
    this.#characters += kept.length
    return kept
  }
}

interface ChoiceInProgress extends Omit<Choice, 'toolCalls' | 'parts'> {
  parts: string[]
  calls: Map<string | number, Mutable<ToolCall>>
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

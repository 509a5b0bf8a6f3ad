import type { FinishReason, Operation } from '../records/outcome.ts'
import type { TokenSource, Usage } from '../records/usage.ts'

/**
 * A wire format: what the bytes of one API mean. Each folder beside this file exports one (or a few) of these, and
 * `index.ts` lists them. Decoders are folds: they get every JSON value of the answer in order, with the arrival time of the
 * bytes that completed it, and say at the end what it all meant. They never throw, whatever they are fed.
 */
export interface Format {
  /** `openai-chat`, `ollama-chat` … as named in the providers' declarations. */
  readonly id: string
  readonly operation: Operation
  /** Answers are long lists of numbers: above a megabyte only their edges are read. */
  readonly largeAnswers?: boolean
  /** Requests may be forms (`multipart/form-data`): `readRequest` gets their fields as text, and of files the facts. */
  readonly takesForms?: boolean
  /** Reads the facts out of a parsed request body (null: it was no JSON object). */
  readRequest(body: unknown): RequestFacts
  decoder(request: RequestFacts, hints: DecodeHints): Decoder
}

export interface Decoder {
  /**
   * One JSON value of a stream (SSE event data or NDJSON line). `atMs`: arrival of the bytes that completed it. `name`: the
   * SSE event name, if any.
   */
  push(value: unknown, atMs: number, name: string | null): void
  /** The whole JSON value of an answer that is no stream. Also called for error bodies. */
  whole(value: unknown, atMs: number): void
  /** The `[DONE]` sentinel. */
  done(atMs: number): void
  /** The text of an answer that is no JSON (a transcript). Without it such answers are only counted. */
  text?(value: string): void
  /** The bytes of an answer that is sound or an image: how many came, and when the first and the last of them did. */
  bytes?(size: number, firstAtMs: number, lastAtMs: number): void
  finish(): Decoded
}

/** What sets a vendor apart within a format, from its provider declaration. */
export interface DecodeHints {
  /** Another place of the usage object: `['x_groq', 'usage']`. Used when the usual place is empty. */
  usageAt?: readonly string[]
  /** Unit of the durations inside the usage object (`queue_time` …). */
  durationsIn?: 's' | 'ms' | 'ns'
  /** The vendor's output count leaves reasoning out (xAI): add it. */
  outputExcludesReasoning?: boolean
  /** Several usage objects of one answer are parts, one a choice: add their outputs (llama.cpp with n > 1). */
  usagePerChoice?: boolean
  /** A cut stream without any content, finish or terminator is an upstream error in disguise (Ollama's `/v1`). */
  swallowsErrors?: boolean
  /** The input count that begins a stream is a guess, the one that ends it is true (Ollama's `/v1/messages`). */
  guessesInput?: boolean
  /** Where the durations stand when they are not in the usage object: `['time_info']`. */
  durationsAt?: readonly string[]
  /** An object of counters named `prompt-tokens` … that stands in where no usage came (Fireworks' `perf_metrics`). */
  countersAt?: readonly string[]
  /** Response headers that hold the counts of the input; they stand in where the body has none. */
  countHeaders?: { readonly input: string; readonly cacheRead?: string }
  /** The vendor's own bill inside the usage object, as a whole or decimal number of 10⁻ᵖˡᵃᶜᵉˢ dollars. */
  bill?: { readonly at: readonly string[]; readonly places: number }
  /** Each request is billed a fee beside its tokens (Perplexity). */
  requestFee?: boolean
  /** Reasoning may be missing from the output count: the output is the total less the input (Gemini's OpenAI layer). */
  outputIsRestOfTotal?: boolean
}

/** Facts of the request that records and the meter need. Every field is null where the request does not say. */
export interface RequestFacts {
  model: string | null
  /** The answer was asked for as a stream (format's default applied). */
  stream: boolean
  /** Sampling and other parameters under one vocabulary (`RequestParameters`). */
  parameters: RequestParameters
  /** The conversation as a person reads it. */
  messages: readonly RequestMessage[]
  /** Names of the tools offered, in order; at most 128 of them. */
  toolNames: readonly string[]
  /** The tools' definitions as compact JSON, for the estimate; null without tools. */
  toolsText: string | null
  /** Inputs of embeddings, or prompts of a completion: how many there were. */
  inputs: number
  /** The vendor's own end-user field (`user`, `safety_identifier`, `metadata.user_id`). */
  endUser: string | null
  /** Legacy completions: the prompt is repeated in the text. */
  echo: boolean
  /** The request body could not be read as the format's JSON. */
  malformed: boolean
}

/** wire-formats 3. Values as sent when small scalars; null when absent. The rare ones are there only where a request says them. */
export interface RequestParameters extends RareParameters {
  temperature: number | null
  top_p: number | null
  top_k: number | null
  min_p: number | null
  max_tokens: number | null
  stop: readonly string[] | null
  seed: number | string | null
  frequency_penalty: number | null
  presence_penalty: number | null
  repeat_penalty: number | null
  n: number | null
  tool_choice: string | null
  parallel_tool_calls: boolean | null
  response_format: string | null
  reasoning_effort: string | null
  service_tier: string | null
  include_usage: boolean | null
  logprobs: boolean | null
  keep_alive: string | number | null
  dimensions: number | null
}

/** What few requests say (`rare-parameters.ts`): scalars as sent; of long or private values how many there are, or that they are there. */
export interface RareParameters {
  readonly [name: string]: string | number | boolean | readonly string[] | null | undefined
}

/** Text stays text; everything else is a placeholder that says what and how much (`[image 12 kB]`). */
export interface RequestMessage {
  role: string
  name: string | null
  text: string
  /** Tool calls of an assistant's message in history. */
  toolCalls: readonly ToolCall[]
  /** Which call a tool's result answers. */
  toolCallId: string | null
  images: readonly ImageFact[]
  /** Recordings that were sent along. */
  audio?: readonly AudioFact[]
}

export interface ImageFact {
  bytes: number | null
  detail: string | null
  url: boolean
  /** Pixels, where the image was sent along and tells them. */
  width?: number
  height?: number
}

export interface AudioFact {
  bytes: number
  /** By its head, or by what its form usually takes; null when nothing tells. */
  seconds: number | null
}

export interface ToolCall {
  id: string | null
  name: string
  /** JSON text as generated; an object on the wire is stored as its JSON. */
  arguments: string
}

/** What one answer said. */
export interface Decoded {
  /** The vendor's id of the answer, from the first place that is not empty. */
  responseId: string | null
  /** The model that answered, by its own word. */
  model: string | null
  systemFingerprint: string | null
  serviceTier: string | null
  choices: readonly Choice[]
  /** The finish reason of the first choice that has one (errors and filters win). */
  finishReason: FinishReason | null
  usage: Usage | null
  tokenSource: TokenSource
  /** The usage object(s) as sent. */
  rawUsage: unknown
  /** Server timings in milliseconds, as far as the server reported them. */
  timings: ServerTimings
  /** First error found, in a body or in a stream. */
  error: AnswerError | null
  /** The format's own end was seen (`[DONE]`, `message_stop`, `done: true`), or the body was one whole JSON value. */
  terminated: boolean
  /** Arrival of the first event with generated content; null without one, and for answers that are no stream. */
  firstContentAtMs: number | null
  /** Arrival of the first fragment of visible answer text. */
  firstAnswerAtMs: number | null
  lastContentAtMs: number | null
  /** Arrival of each event with generated content, up to a limit. */
  contentAtMs: readonly number[]
  contentEvents: number
  /** Text was cut at the limit. */
  textTruncated: boolean
  /** Vectors in an embeddings answer. */
  embeddings: number | null
  /** Nothing was generated yet: the answer is made in the background, and fetched by another call. */
  pending: boolean
  /** The answer was asked for in the background: several calls may tell it, and it counts once. */
  background: boolean
  /** What kind of images were made, where the answer says so. */
  imageKind: ImageKind | null
  /** How far a transfer came (Ollama's pull, push and create); null for everything else. */
  progress: Progress | null
}

export interface ImageKind {
  /** `1024x1536` */
  size: string | null
  quality: string | null
}

export interface Progress {
  /** The last thing the server said of it. */
  status: string
  /** Layers that were moved, as far as the server named them. */
  layers: number
  totalBytes: number | null
  completedBytes: number | null
}

export interface Choice {
  index: number
  text: string
  reasoning: string
  refusal: string
  toolCalls: readonly ToolCall[]
  finishReason: FinishReason | null
  /** The vendor's own word. */
  finishReasonRaw: string | null
  /** Placeholders for what is no text: `[audio 12 kB]`, `[image 40 kB]`. */
  parts: readonly string[]
  /** Bytes of generated audio. */
  audioBytes?: number
}

export interface AnswerError {
  message: string
  type: string | null
  code: string | null
}

export interface ServerTimings {
  queueMs: number | null
  loadMs: number | null
  promptMs: number | null
  generationMs: number | null
  totalMs: number | null
}

export const noTimings: Readonly<ServerTimings> = Object.freeze({
  queueMs: null,
  loadMs: null,
  promptMs: null,
  generationMs: null,
  totalMs: null,
})

export const noParameters: Readonly<RequestParameters> = Object.freeze({
  temperature: null,
  top_p: null,
  top_k: null,
  min_p: null,
  max_tokens: null,
  stop: null,
  seed: null,
  frequency_penalty: null,
  presence_penalty: null,
  repeat_penalty: null,
  n: null,
  tool_choice: null,
  parallel_tool_calls: null,
  response_format: null,
  reasoning_effort: null,
  service_tier: null,
  include_usage: null,
  logprobs: null,
  keep_alive: null,
  dimensions: null,
})

export const noFacts: Readonly<RequestFacts> = Object.freeze({
  model: null,
  stream: false,
  parameters: noParameters,
  messages: [],
  toolNames: [],
  toolsText: null,
  inputs: 0,
  endUser: null,
  echo: false,
  malformed: false,
})

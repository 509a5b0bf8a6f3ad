import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import type { Decoded } from '../../src/formats/decoder.ts'
import { findRoute } from '../../src/formats/find-route.ts'
import { observe } from '../../src/formats/observe.ts'
import { isError } from '../../src/records/outcome.ts'
import { exchangeOfSample } from '../pipeline/sample-exchange.ts'
import { answer } from '../support/answer.ts'
import { loadSamples, type Sample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'
import { type Accumulated, accumulators, given } from './accumulated.ts'

/**
 * Of each streamed sample the vendor's own SDK makes the same answer as our decoders: text, refusal, reasoning, tool calls and
 * usage. Where a stream ends in an error, the SDK throws and our record has one.
 */
const providers = await loadProviders()
const streamed = loadSamples()
  .map((sample) => ({ sample, format: formatOf(sample) }))
  .filter(({ sample, format }) => Object.hasOwn(accumulators, format) && isStream(sample))

/** Streams without a good end of which the SDK makes an answer, and throws nothing. */
const accepted: Readonly<Record<string, string>> = {
  'openai/responses-failed-stream': 'hands the failed response out, with its error in it',
  'openai/responses-no-end-stream': 'hands out what came before the end that is missing',
  'deepseek/chat-overloaded-stream': 'takes any finish reason for a good end',
  'mistral/chat-error-finish-stream': 'takes any finish reason for a good end',
  'sglang/chat-abort-stream': 'takes any finish reason for a good end',
}

/** Streams on whose bytes the SDK gives up although they hold an answer. */
const refused: Readonly<Record<string, string>> = {
  'openai/chat-bad-event-stream': 'stops at an event that is no JSON',
  'openai/chat-done-twice-stream': 'takes a [DONE] with a space behind it for broken JSON',
  'openai/framing/control-character-stream': 'stops at an event that is no JSON',
  'openai/framing/done-spaces-stream': 'takes a [DONE] with spaces for broken JSON',
  'openai/framing/fields-stream': 'stops at an event that is no JSON',
  'openai/framing/json-under-stream-type': 'reads nothing but events under this type',
  'openai/framing/wrong-coding-stream': 'cannot unpack what is not packed',
  'openai/shapes/choices-absent-stream': 'wants choices in every chunk',
  'openai/shapes/choices-null-stream': 'wants choices in every chunk',
  'openai/shapes/several-choices-stream': 'wants a role of every choice',
  'openai/shapes/tool-without-index-stream': 'wants an index of every call, which this vendor does not send',
  'openai/shapes/tool-huge-index-stream': 'refuses an index that large',
  'google/openai-chat-tools-stream': 'wants an index of every call, which this vendor does not send',
  'mistral/chat-tools-stream': 'wants an index of every call, which this vendor does not send',
  'mistral/chat-tools-incremental-stream': 'wants a role of every choice',
  'openai/responses-changing-ids-stream': 'wants the same id in all events of an item',
  'openai/responses-done-only-stream': 'wants every item to be announced',
  'openai/responses-resumed-stream': 'wants response.created first',
  'llamacpp/responses-stream': 'wants output_index, which this server does not send',
  'llamacpp/responses-tools-stream': 'wants output_index, which this server does not send',
  'ollama/v1-responses-stream': 'wants the parts of a summary to be announced, which this server does not do',
  'ollama/v1-responses-reasoning-stream': 'wants the parts of a summary to be announced, which this server does not do',
  'anthropic/messages-gateway-stream': 'wants one message_start; this gateway sends two',
}

/** What of an answer the SDK does not have, or has otherwise, and why ours is right. */
const different: Readonly<Record<string, { fields: readonly (keyof Accumulated)[]; why: string }>> = {
  'groq/chat-stream-usage-in-x-groq': { fields: ['usage'], why: 'it stands in x_groq alone' },
  'llamacpp/chat-n3-stream-usage': {
    fields: ['usage'],
    why: 'the server sends one a choice, and the SDK keeps the last',
  },
  'llamacpp/chat-stream': { fields: ['usage'], why: 'there is none, but the timings of the server' },
  'llamacpp/python/chat-tool-forced-stream': {
    fields: ['calls'],
    why: 'the server sends the call twice, and the SDK keeps the old form of it',
  },
  'fireworks/chat-stream-perf-metrics': { fields: ['usage'], why: 'it stands in perf_metrics alone' },
  'google/openai-chat-stream': {
    fields: ['texts', 'usage'],
    why: 'thoughts stand in the text in tags, and in the total alone',
  },
  'llamacpp/written/chat-zero-usage-stream': { fields: ['usage'], why: 'zero although text came is no count' },
  'openai/shapes/usage-zero-stream': { fields: ['usage'], why: 'zero although text came is no count' },
  'mistral/chat-thinking-stream': { fields: ['texts'], why: 'the SDK does not know content that is a list' },
  'openai/shapes/content-parts-stream': { fields: ['texts'], why: 'the SDK does not know content that is a list' },
  'openai/shapes/tool-arguments-object-stream': {
    fields: ['calls'],
    why: 'the SDK does not know arguments as an object',
  },
  'openai/shapes/tool-custom-stream': { fields: ['calls'], why: 'the SDK does not know custom tools in streams' },
  'perplexity/chat-think-stream': { fields: ['texts'], why: 'the SDK takes the empty message beside the delta' },
  'sglang/chat-reasoning-stream': { fields: ['usage'], why: 'reasoning_tokens stands beside the details' },
  'sglang/chat-stream': { fields: ['usage'], why: 'reasoning_tokens stands beside the details' },
  'sglang/chat-stream-continuous-usage': { fields: ['usage'], why: 'reasoning_tokens stands beside the details' },
  'xai/chat-stream': { fields: ['usage'], why: 'the output count leaves reasoning out' },
  'xai/chat-tools-stream': { fields: ['usage'], why: 'the output count leaves reasoning out' },
  'openai/responses-failed-stream': { fields: ['texts'], why: 'the failed response repeats nothing of what was said' },
  'openai/chat-audio-stream': { fields: ['texts'], why: 'the SDK does not add up the transcripts of sound' },
}

let upstream: ScriptedUpstream
let script: Step[] = []

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
})

afterAll(async () => {
  await upstream.stop()
})

describe.each(Object.keys(accumulators))('%s', (format) => {
  it.each(streamed.filter((one) => one.format === format).map(({ sample }) => [sample.name, sample] as const))(
    '%s is read as the SDK reads it',
    async (name, sample) => {
      const { response } = sample
      script = answer({ ...response, pieces: response.pieces.map(([, bytes]) => [0, bytes]) })
      const read = accumulators[format]!(`http://127.0.0.1:${upstream.port}`)
      const decoded = observe(exchangeOfSample(sample), providers.get(sample.provider), 'pepper').decoded
      if (refused[name] !== undefined || (isError(sample.expect!.outcome!) && accepted[name] === undefined)) {
        const told = decoded?.error && !hidden.has(name) ? decoded.error.message : ''
        await expect(read).rejects.toThrow(told)
        return
      }
      const theirs = await read
      if (unexamined.has(name)) return expect(decoded).toBeNull()
      const ours = accumulatedOf(decoded!, format)
      const apart = (Object.keys(ours) as (keyof Accumulated)[]).filter(
        (field) => JSON.stringify(ours[field]) !== JSON.stringify(theirs[field]),
      )
      if (JSON.stringify(apart) !== JSON.stringify(different[name]?.fields ?? [])) expect(ours).toEqual(theirs)
    },
  )
})

it('knows no samples that are gone', () => {
  const names = new Set(streamed.map(({ sample }) => sample.name))
  const listed = [...[refused, accepted, different].flatMap(Object.keys), ...hidden, ...unexamined]
  expect(listed.filter((name) => !names.has(name))).toEqual([])
})

/** A coding that we do not know, and whose name the SDK does not look at. */
const unexamined: ReadonlySet<string> = new Set(['openai/framing/unknown-coding-stream'])

/** Errors that only we see: the SDK misses the end of the answer, and says no more. */
const hidden: ReadonlySet<string> = new Set([
  'groq/chat-stopped-stream',
  'ollama/written/v1-chat-hidden-error-stream',
  'ollama/written/v1-chat-swallowed-error-stream',
])

function formatOf({ request, provider }: Sample): string {
  return findRoute(request.method, request.path, providers.get(provider)).format?.id ?? ''
}

function isStream({ response }: Sample): boolean {
  const type = response.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return response.status === 200 && /event-stream/i.test(type)
}

function accumulatedOf(decoded: Decoded, format: string): Accumulated {
  const { choices, usage } = decoded
  return {
    texts: choices.map(({ text }) => text),
    refusals: choices.map(({ refusal }) => refusal),
    reasoning: format === 'openai-chat' ? '' : (choices[0]?.reasoning ?? ''),
    calls: choices
      .flatMap(({ toolCalls }) => toolCalls)
      .filter(({ name }) => format !== 'openai-responses' || !hosted.has(name))
      .map((call) => [call.name, given(call.arguments)]),
    usage: usage && {
      input: usage.input,
      output: usage.output,
      cacheRead: usage.cacheRead,
      reasoning: usage.reasoning,
    },
  }
}

/** Tools of the vendor have no name and no arguments on the wire. */
const hosted: ReadonlySet<string> = new Set(['web_search', 'file_search', 'code_interpreter', 'shell'])

import { type Call, failingModels, modelOf, type Stream } from './call.ts'
import { idOf } from './reply.ts'

/** An error as OpenAI writes it. */
export async function openaiError(call: Call, status: number, message: string): Promise<void> {
  const { type, code } = errors[status] ?? { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null }
  const wait: Record<string, string> = status === 429 ? { 'retry-after': '1', 'retry-after-ms': '40' } : {}
  await call.json(
    status,
    { error: { message, type, param: null, code } },
    { headers: { ...headers(call, refusedWithinMs), ...wait } },
  )
}

const errors: Record<number, { type: string; code: string | null }> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
}

export const models = ['gpt-4.1-mini', 'gpt-4o-mini', 'gpt-3.5-turbo-instruct', 'text-embedding-3-small']
const createdSeconds = 1_770_000_000
export const modelObject = (id: string) => ({ id, object: 'model', created: createdSeconds, owned_by: 'system' })

const refusedWithinMs = 1

export const headers = (call: Call, processingMs = call.pace.firstTokenMs): Record<string, string> => ({
  'x-request-id': idOf('req_', call.body ?? call.path),
  'openai-processing-ms': String(Math.round(processingMs)),
  'openai-version': '2020-10-01',
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '6ms',
})

export const finishes = { stop: 'stop', length: 'length', tools: 'tool_calls' } as const

export const base = (call: Call, prefix: string, object: string) => ({
  id: idOf(prefix, call.body),
  object,
  created: createdSeconds,
  model: modelOf(call),
})

/** Answers 404 for a model that is not there. */
export async function unknown(call: Call): Promise<boolean> {
  const known = [...models, ...failingModels].includes(modelOf(call))
  if (!known) await openaiError(call, 404, `The model \`${modelOf(call)}\` does not exist`)
  return !known
}

export const event = (stream: Stream, value: object) => stream.send(`data: ${JSON.stringify(value)}\n\n`)

export function fails(call: Call, stream: Stream): boolean {
  if (modelOf(call) === 'error-cut') {
    stream.cut()
    return true
  }
  if (modelOf(call) !== 'error-stream') return false
  event(stream, { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } })
  stream.end()
  return true
}

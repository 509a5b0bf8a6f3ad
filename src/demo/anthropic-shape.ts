import { arrayAt, at, countAt, type JsonObject, stringAt } from '../records/json.ts'
import { type Call, failingModels, modelOf, type Routes, type Stream, tokensBeforeFailure } from './call.ts'
import { argumentPieces, idOf, type Reply, reply, type ToolOffer, textOf } from './reply.ts'

/** Anthropic's messages, token counting and model list. */
export const anthropicRoutes: Routes = {
  'POST /v1/messages': (call) => (at(call.body, 'stream') === true ? messageStream(call) : message(call)),
  'POST /v1/messages/count_tokens': (call) =>
    call.json(200, { input_tokens: messageReply(call).input }, { headers: headers(call) }),
  'GET /v1/models': (call) =>
    call.json(
      200,
      { data: models.map(modelObject), has_more: false, first_id: models[0], last_id: models.at(-1) },
      { headers: headers(call) },
    ),
}

/** An error as Anthropic writes it. */
export async function anthropicError(call: Call, status: number, text: string): Promise<void> {
  const type = errors[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
  const body = { type: 'error', error: { type, message: text }, request_id: requestId(call) }
  await call.json(status, body, { headers: { ...headers(call), ...(status === 429 && { 'retry-after': '1' }) } })
}

const errors: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

const models = ['claude-sonnet-4-6', 'claude-haiku-4-5']
const modelObject = (id: string) => ({ type: 'model', id, display_name: id, created_at: '2025-09-29T00:00:00Z' })

const requestId = (call: Call) => idOf('req_', call.body ?? call.path)

const headers = (call: Call): Record<string, string> => ({
  'request-id': requestId(call),
  'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
  'anthropic-ratelimit-requests-limit': '4000',
  'anthropic-ratelimit-requests-remaining': '3999',
  'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:00Z',
})

function messageReply(call: Call): Reply {
  const messages = arrayAt(call.body, 'messages')
  const offered = arrayAt(call.body, 'tools').flatMap((tool): ToolOffer[] => {
    const name = stringAt(tool, 'name')
    return name === null ? [] : [{ name, schema: at(tool, 'input_schema') }]
  })
  const last = at(messages.at(-1), 'content')
  const answered = Array.isArray(last) && last.some((part) => stringAt(part, 'type') === 'tool_result')
  const system = textOf(at(call.body, 'system') ?? '')
  return reply({
    messages: [...(system === '' ? [] : [system]), ...messages.map((entry) => textOf(at(entry, 'content')))],
    question: textOf(
      at(
        messages.findLast((entry) => stringAt(entry, 'role') === 'user'),
        'content',
      ),
    ),
    tools: answered || stringAt(call.body, 'tool_choice', 'type') === 'none' ? [] : offered,
    toolsText: offered.length > 0 ? JSON.stringify(at(call.body, 'tools')) : '',
    maxTokens: countAt(call.body, 'max_tokens'),
    think: ['enabled', 'adaptive'].includes(stringAt(call.body, 'thinking', 'type') ?? ''),
    json: false,
  })
}

const finishes = { stop: 'end_turn', length: 'max_tokens', tools: 'tool_use' } as const

const usageOf = (said: Reply, output: number) => ({
  input_tokens: said.input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: output,
  service_tier: 'standard',
})

interface Block {
  /** As it stands when it begins, and when it is complete. */
  empty: JsonObject
  full: JsonObject
  /** Deltas; `token` says whether it took a token's time. */
  deltas: { delta: JsonObject; token: boolean }[]
}

function blocksOf(call: Call, said: Reply): Block[] {
  const blocks: Block[] = []
  if (said.thinking.length > 0) {
    const signature = Buffer.from(idOf('', said.thinking, 64)).toString('base64')
    blocks.push({
      empty: { type: 'thinking', thinking: '', signature: '' },
      full: { type: 'thinking', thinking: said.thinking.join(''), signature },
      deltas: [
        ...said.thinking.map((thinking) => ({ delta: { type: 'thinking_delta', thinking }, token: true })),
        { delta: { type: 'signature_delta', signature }, token: false },
      ],
    })
  }
  if (said.text.length > 0) {
    blocks.push({
      empty: { type: 'text', text: '' },
      full: { type: 'text', text: said.text.join('') },
      deltas: said.text.map((text) => ({ delta: { type: 'text_delta', text }, token: true })),
    })
  }
  for (const [place, tool] of said.tools.entries()) {
    const named = { type: 'tool_use', id: idOf(`toolu_${place}`, call.body), name: tool.name }
    blocks.push({
      empty: { ...named, input: {} },
      full: { ...named, input: tool.arguments },
      deltas: ['', ...argumentPieces(tool.arguments)].map((partial_json) => ({
        delta: { type: 'input_json_delta', partial_json },
        token: true,
      })),
    })
  }
  return blocks
}

const envelope = (call: Call, said: Reply) => ({
  id: idOf('msg_', call.body),
  type: 'message',
  role: 'assistant',
  model: modelOf(call),
  content: [] as JsonObject[],
  stop_reason: null as string | null,
  stop_sequence: null,
  usage: usageOf(said, 1),
})

/** Answers 404 for a model that is not there. */
async function unknown(call: Call): Promise<boolean> {
  const known = [...models, ...failingModels].includes(modelOf(call))
  if (!known) await anthropicError(call, 404, `model: ${modelOf(call)}`)
  return !known
}

async function message(call: Call): Promise<void> {
  if (await unknown(call)) return
  const said = messageReply(call)
  const answer = {
    ...envelope(call, said),
    content: blocksOf(call, said).map((block) => block.full),
    stop_reason: finishes[said.finish],
    usage: usageOf(said, said.output),
  }
  await call.json(200, answer, { tokens: said.output, headers: headers(call) })
}

async function messageStream(call: Call): Promise<void> {
  if (await unknown(call)) return
  const said = messageReply(call)
  const stream = call.stream('text/event-stream; charset=utf-8', headers(call))
  event(stream, { type: 'message_start', message: envelope(call, said) })
  let spoken = 0
  for (const [index, block] of blocksOf(call, said).entries()) {
    event(stream, { type: 'content_block_start', index, content_block: block.empty })
    if (index === 0) event(stream, { type: 'ping' })
    for (const { delta, token } of block.deltas) {
      if (token) await stream.token()
      if (spoken++ === tokensBeforeFailure && fails(call, stream)) return
      event(stream, { type: 'content_block_delta', index, delta })
    }
    event(stream, { type: 'content_block_stop', index })
  }
  event(stream, {
    type: 'message_delta',
    delta: { stop_reason: finishes[said.finish], stop_sequence: null },
    usage: { output_tokens: said.output },
  })
  event(stream, { type: 'message_stop' })
  stream.end()
}

const event = (stream: Stream, value: { readonly type: string; readonly [key: string]: unknown }) =>
  stream.send(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`)

function fails(call: Call, stream: Stream): boolean {
  if (modelOf(call) === 'error-cut') {
    stream.cut()
    return true
  }
  if (modelOf(call) !== 'error-stream') return false
  event(stream, { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })
  stream.end()
  return true
}

import { arrayAt, at, booleanAt, countAt, stringAt } from '../records/json.ts'
import { type Call, failingModels, modelOf, type Routes, type Stream, tokensBeforeFailure } from './call.ts'
import { argumentPieces, functionsIn, idOf, type Reply, reply, textOf, tokensOf, vector } from './reply.ts'

/** OpenAI's chat completions, completions, embeddings and model list. */
export const openaiRoutes: Routes = {
  'POST /v1/chat/completions': (call) => (at(call.body, 'stream') === true ? chatStream(call) : chat(call)),
  'POST /v1/completions': completions,
  'POST /v1/embeddings': embeddings,
  'GET /v1/models': (call) =>
    call.json(200, { object: 'list', data: models.map(modelObject) }, { headers: headers(call) }),
  'GET /v1/models/*': async (call) => {
    const id = call.path.slice('/v1/models/'.length)
    if (!models.includes(id)) return openaiError(call, 404, `The model \`${id}\` does not exist`)
    await call.json(200, modelObject(id), { headers: headers(call) })
  },
}

/** An error as OpenAI writes it. */
export async function openaiError(call: Call, status: number, message: string): Promise<void> {
  const { type, code } = errors[status] ?? { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null }
  const wait: Record<string, string> = status === 429 ? { 'retry-after': '1', 'retry-after-ms': '40' } : {}
  await call.json(status, { error: { message, type, param: null, code } }, { headers: { ...headers(call), ...wait } })
}

const errors: Record<number, { type: string; code: string | null }> = {
  401: { type: 'invalid_request_error', code: 'invalid_api_key' },
  404: { type: 'invalid_request_error', code: 'model_not_found' },
  429: { type: 'requests', code: 'rate_limit_exceeded' },
}

const models = ['gpt-4.1-mini', 'gpt-4o-mini', 'gpt-3.5-turbo-instruct', 'text-embedding-3-small']
const createdSeconds = 1_770_000_000
const modelObject = (id: string) => ({ id, object: 'model', created: createdSeconds, owned_by: 'system' })

const headers = (call: Call): Record<string, string> => ({
  'x-request-id': idOf('req_', call.body ?? call.path),
  'openai-processing-ms': String(Math.round(call.pace.firstTokenMs)),
  'openai-version': '2020-10-01',
  'x-ratelimit-limit-requests': '10000',
  'x-ratelimit-remaining-requests': '9999',
  'x-ratelimit-reset-requests': '6ms',
})

function chatReply(call: Call): Reply {
  const messages = arrayAt(call.body, 'messages')
  const offered = functionsIn(call.body)
  const wantsTools = at(call.body, 'tool_choice') !== 'none' && stringAt(messages.at(-1), 'role') !== 'tool'
  return reply({
    messages: messages.map((message) => textOf(at(message, 'content'))),
    question: textOf(
      at(
        messages.findLast((message) => stringAt(message, 'role') === 'user'),
        'content',
      ),
    ),
    tools: wantsTools ? offered : [],
    toolsText: offered.length > 0 ? JSON.stringify(at(call.body, 'tools')) : '',
    maxTokens: countAt(call.body, 'max_completion_tokens') ?? countAt(call.body, 'max_tokens'),
    think: stringAt(call.body, 'reasoning_effort') !== null,
    json: (stringAt(call.body, 'response_format', 'type') ?? 'text') !== 'text',
  })
}

const usageOf = (said: Reply, choices = 1) => ({
  prompt_tokens: said.input,
  completion_tokens: said.output * choices,
  total_tokens: said.input + said.output * choices,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: said.thinking.length * choices,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
})

const finishes = { stop: 'stop', length: 'length', tools: 'tool_calls' } as const

const base = (call: Call, prefix: string, object: string) => ({
  id: idOf(prefix, call.body),
  object,
  created: createdSeconds,
  model: modelOf(call),
})

const callId = (call: Call, place: number) => idOf(`call_${place}`, call.body)

/** Answers 404 for a model that is not there. */
async function unknown(call: Call): Promise<boolean> {
  const known = [...models, ...failingModels].includes(modelOf(call))
  if (!known) await openaiError(call, 404, `The model \`${modelOf(call)}\` does not exist`)
  return !known
}

async function chat(call: Call): Promise<void> {
  if (await unknown(call)) return
  const said = chatReply(call)
  const choices = countAt(call.body, 'n') ?? 1
  const message = {
    role: 'assistant',
    content: said.tools.length > 0 ? null : said.text.join(''),
    refusal: null,
    annotations: [],
    ...(said.tools.length > 0 && {
      tool_calls: said.tools.map((tool, place) => ({
        id: callId(call, place),
        type: 'function',
        function: { name: tool.name, arguments: JSON.stringify(tool.arguments) },
      })),
    }),
  }
  const answer = {
    ...base(call, 'chatcmpl-', 'chat.completion'),
    service_tier: 'default',
    system_fingerprint: 'fp_scripted',
    choices: Array.from({ length: choices }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: finishes[said.finish],
    })),
    usage: usageOf(said, choices),
  }
  await call.json(200, answer, { tokens: said.output, headers: headers(call) })
}

async function chatStream(call: Call): Promise<void> {
  if (await unknown(call)) return
  const said = chatReply(call)
  const withUsage = booleanAt(call.body, 'stream_options', 'include_usage') === true
  const stream = call.stream('text/event-stream; charset=utf-8', headers(call))
  const first = {
    ...base(call, 'chatcmpl-', 'chat.completion.chunk'),
    service_tier: 'default',
    system_fingerprint: 'fp_scripted',
  }
  const send = (delta: object, finish: string | null = null) =>
    event(stream, {
      ...first,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(withUsage && { usage: null }),
    })

  send({ role: 'assistant', content: said.tools.length > 0 ? null : '', refusal: null })
  for (const [place, tool] of said.tools.entries()) {
    await stream.token()
    const opening = { id: callId(call, place), type: 'function', function: { name: tool.name, arguments: '' } }
    send({ tool_calls: [{ index: place, ...opening }] })
    for (const piece of argumentPieces(tool.arguments)) {
      await stream.token()
      send({ tool_calls: [{ index: place, function: { arguments: piece } }] })
    }
  }
  for (const _hidden of said.thinking) await stream.token()
  for (const [place, piece] of said.text.entries()) {
    await stream.token()
    if (place === tokensBeforeFailure && fails(call, stream)) return
    send({ content: piece })
  }
  send({}, finishes[said.finish])
  if (withUsage) event(stream, { ...first, choices: [], usage: usageOf(said) })
  stream.send('data: [DONE]\n\n')
  stream.end()
}

const event = (stream: Stream, value: object) => stream.send(`data: ${JSON.stringify(value)}\n\n`)

function fails(call: Call, stream: Stream): boolean {
  if (modelOf(call) === 'error-cut') {
    stream.cut()
    return true
  }
  if (modelOf(call) !== 'error-stream') return false
  event(stream, { error: { message: 'The server had an error', type: 'server_error', param: null, code: null } })
  stream.end()
  return true
}

async function completions(call: Call): Promise<void> {
  if (await unknown(call)) return
  const prompt = at(call.body, 'prompt')
  const prompts = Array.isArray(prompt) ? prompt.map(String) : [String(prompt ?? '')]
  const maxTokens = countAt(call.body, 'max_tokens') ?? 16
  const asked = { tools: [], toolsText: '', maxTokens, think: false, json: false }
  const replies = prompts.map((text) => reply({ ...asked, messages: [text], question: text }))
  const input = prompts.reduce((sum, text) => sum + tokensOf(text), 0)
  const output = replies.reduce((sum, said) => sum + said.output, 0)
  const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  const first = base(call, 'cmpl-', 'text_completion')
  const choice = (index: number, text: string, finish: string | null) => ({
    text,
    index,
    logprobs: null,
    finish_reason: finish,
  })
  if (at(call.body, 'stream') !== true) {
    const choices = replies.map((said, index) => choice(index, said.text.join(''), finishes[said.finish]))
    return call.json(200, { ...first, choices, usage }, { tokens: output, headers: headers(call) })
  }
  const stream = call.stream('text/event-stream; charset=utf-8', headers(call))
  for (const [index, said] of replies.entries()) {
    for (const [place, piece] of said.text.entries()) {
      await stream.token()
      const last = place === said.text.length - 1
      event(stream, { ...first, choices: [choice(index, piece, last ? finishes[said.finish] : null)] })
    }
  }
  if (booleanAt(call.body, 'stream_options', 'include_usage')) event(stream, { ...first, choices: [], usage })
  stream.send('data: [DONE]\n\n')
  stream.end()
}

async function embeddings(call: Call): Promise<void> {
  if (await unknown(call)) return
  const input = at(call.body, 'input')
  const texts = Array.isArray(input) ? input.map(String) : [String(input ?? '')]
  const base64 = stringAt(call.body, 'encoding_format') === 'base64'
  const data = texts.map((text, index) => {
    const values = vector(text, countAt(call.body, 'dimensions') ?? 64)
    const embedding = base64 ? Buffer.from(new Float32Array(values).buffer).toString('base64') : values
    return { object: 'embedding', index, embedding }
  })
  const tokens = texts.reduce((sum, text) => sum + tokensOf(text), 0)
  const usage = { prompt_tokens: tokens, total_tokens: tokens }
  await call.json(200, { object: 'list', data, model: modelOf(call), usage }, { tokens: 1, headers: headers(call) })
}

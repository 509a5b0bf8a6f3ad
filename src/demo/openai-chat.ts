import { arrayAt, at, booleanAt, countAt, stringAt } from '../records/json.ts'
import { type Call, tokensBeforeFailure } from './call.ts'
import { base, event, fails, finishes, headers, unknown } from './openai-parts.ts'
import { argumentPieces, functionsIn, idOf, type Reply, reply, textOf } from './reply.ts'

/** POST /v1/chat/completions. */
export const chatCompletions = (call: Call): Promise<void> =>
  at(call.body, 'stream') === true ? chatStream(call) : chat(call)

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

const callId = (call: Call, place: number) => idOf(`call_${place}`, call.body)

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

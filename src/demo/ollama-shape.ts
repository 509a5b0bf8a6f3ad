import { arrayAt, at, countAt, stringAt } from '../records/json.ts'
import { type Call, durationMs, failingModels, modelOf, type Routes, type Stream, tokensBeforeFailure } from './call.ts'
import { functionsIn, idOf, type Reply, reply, tokensOf, vector } from './reply.ts'

/** Ollama's chat, generate, embeddings, model lists and probes. */
export const ollamaRoutes: Routes = {
  'HEAD /': (call) => call.text(200, running),
  'GET /': (call) => call.text(200, running),
  'GET /api/version': (call) => call.json(200, { version: '0.17.4' }),
  'GET /api/tags': (call) => call.json(200, { models: models.map(listed) }),
  'GET /api/ps': (call) => call.json(200, { models: [] }),
  'POST /api/show': show,
  'POST /api/chat': (call) => speak(call, chatReply(call), chatPart),
  'POST /api/generate': (call) => speak(call, generateReply(call), generatePart),
  'POST /api/embed': embed,
  'POST /api/embeddings': async (call) => {
    if (!(await unknown(call))) await call.json(200, { embedding: vector(stringAt(call.body, 'prompt') ?? '', 64) })
  },
  'POST /api/pull': pull,
}

/** An error as Ollama writes it. */
export const ollamaError = (call: Call, status: number, message: string): Promise<void> =>
  call.json(status, { error: message })

const running = 'Ollama is running'
const models = ['llama3.2:latest', 'qwen3:8b', 'nomic-embed-text:latest']
const madeAt = '2026-01-01T00:00:00Z'
const details = {
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: '3.2B',
  quantization_level: 'Q4_K_M',
}
const listed = (name: string) => ({
  name,
  model: name,
  modified_at: madeAt,
  size: 2_019_393_189,
  digest: idOf('', name, 64),
  details,
})

async function unknown(call: Call): Promise<boolean> {
  const model = modelOf(call)
  const known = [...models, ...failingModels].some((name) => name === model || name === `${model}:latest`)
  if (!known) await ollamaError(call, 404, `model '${model}' not found`)
  return !known
}

async function show(call: Call): Promise<void> {
  if (await unknown(call)) return
  const capabilities = ['completion', 'tools', 'thinking']
  await call.json(200, {
    modelfile: `FROM ${modelOf(call)}`,
    template: '',
    details,
    model_info: {},
    capabilities,
    modified_at: madeAt,
  })
}

function chatReply(call: Call): Reply {
  const messages = arrayAt(call.body, 'messages')
  const offered = functionsIn(call.body)
  return asked(call, {
    messages: messages.map((message) => stringAt(message, 'content') ?? ''),
    question:
      stringAt(
        messages.findLast((message) => stringAt(message, 'role') === 'user'),
        'content',
      ) ?? '',
    tools: stringAt(messages.at(-1), 'role') === 'tool' ? [] : offered,
    toolsText: offered.length > 0 ? JSON.stringify(at(call.body, 'tools')) : '',
  })
}

function generateReply(call: Call): Reply {
  const prompt = stringAt(call.body, 'prompt') ?? ''
  const system = stringAt(call.body, 'system')
  return asked(call, { messages: system ? [system, prompt] : [prompt], question: prompt, tools: [], toolsText: '' })
}

const asked = (call: Call, parts: Pick<Parameters<typeof reply>[0], 'messages' | 'question' | 'tools' | 'toolsText'>) =>
  reply({
    ...parts,
    maxTokens: countAt(call.body, 'options', 'num_predict'),
    think: at(call.body, 'think') === true,
    json: at(call.body, 'format') !== undefined && at(call.body, 'format') !== '',
  })

interface Part {
  text?: string
  thinking?: string
  tools?: Reply['tools']
}

const chatPart = (call: Call, part: Part) => ({
  message: {
    role: 'assistant',
    content: part.text ?? '',
    ...(part.thinking && { thinking: part.thinking }),
    ...(part.tools && {
      tool_calls: part.tools.map((tool, index) => ({
        id: idOf(`call_${index}`, call.body, 8),
        function: { index, name: tool.name, arguments: tool.arguments },
      })),
    }),
  },
})

const generatePart = (_call: Call, part: Part) => ({
  response: part.text ?? '',
  ...(part.thinking && { thinking: part.thinking }),
})

async function speak(call: Call, said: Reply, shape: (call: Call, part: Part) => object): Promise<void> {
  if (await unknown(call)) return
  const base = { model: modelOf(call), created_at: madeAt }
  const final = { ...counts(call, said), done_reason: said.finish === 'length' ? 'length' : 'stop' }
  const tools = said.tools.length > 0 ? { tools: said.tools } : {}
  if (at(call.body, 'stream') === false) {
    const whole = shape(call, { text: said.text.join(''), thinking: said.thinking.join(''), ...tools })
    return call.json(200, { ...base, ...whole, done: true, ...final }, { tokens: said.output })
  }
  const stream = call.stream('application/x-ndjson')
  const send = (part: Part) => line(stream, { ...base, ...shape(call, part), done: false })
  for (const thinking of said.thinking) {
    await stream.token()
    send({ thinking })
  }
  for (const [place, text] of said.text.entries()) {
    await stream.token()
    if (place === tokensBeforeFailure && fails(call, stream)) return
    send({ text })
  }
  if (said.tools.length > 0) {
    for (let token = 0; token < said.output; token++) await stream.token()
    send(tools)
  }
  line(stream, { ...base, ...shape(call, {}), done: true, ...final })
  stream.end()
}

/** Durations are those of the pace, in nanoseconds. */
function counts(call: Call, said: Reply) {
  const promptNs = Math.round(call.pace.firstTokenMs * 0.9 * 1e6)
  const totalNs = Math.round(durationMs(call.pace, said.output) * 1e6)
  return {
    total_duration: totalNs,
    load_duration: 1_000_000,
    prompt_eval_count: said.input,
    prompt_eval_duration: promptNs,
    eval_count: said.output,
    eval_duration: totalNs - promptNs,
  }
}

const line = (stream: Stream, value: object) => stream.send(`${JSON.stringify(value)}\n`)

function fails(call: Call, stream: Stream): boolean {
  if (modelOf(call) === 'error-cut') stream.cut()
  else if (modelOf(call) === 'error-stream') {
    line(stream, { error: 'the runner ended unexpectedly' })
    stream.end()
  } else return false
  return true
}

async function embed(call: Call): Promise<void> {
  if (await unknown(call)) return
  const input = at(call.body, 'input')
  const texts = Array.isArray(input) ? input.map(String) : [String(input ?? '')]
  const answer = {
    model: modelOf(call),
    embeddings: texts.map((text) => vector(text, countAt(call.body, 'dimensions') ?? 64)),
    total_duration: Math.round(call.pace.firstTokenMs * 1e6),
    load_duration: 1_000_000,
    prompt_eval_count: texts.reduce((sum, text) => sum + tokensOf(text), 0),
  }
  await call.json(200, answer, { tokens: 1 })
}

async function pull(call: Call): Promise<void> {
  const digest = idOf('sha256:', modelOf(call), 64)
  const layer = { status: `pulling ${digest.slice(7, 19)}`, digest, total: 300 }
  const steps: object[] = [
    { status: 'pulling manifest' },
    ...[0, 100, 200, 300].map((completed) => ({ ...layer, completed })),
  ]
  if (at(call.body, 'stream') === false) return call.json(200, { status: 'success' })
  const stream = call.stream('application/x-ndjson')
  for (const step of [...steps, { status: 'success' }]) {
    await stream.token()
    line(stream, step)
  }
  stream.end()
}

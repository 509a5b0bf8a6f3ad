import { at, booleanAt, countAt, stringAt } from '../records/json.ts'
import { type Call, modelOf } from './call.ts'
import { base, event, finishes, headers, openaiError, unknown } from './openai-parts.ts'
import { idOf, reply, tokensOf, vector } from './reply.ts'

/** POST /v1/completions. */
export async function completions(call: Call): Promise<void> {
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

/** POST /v1/embeddings. */
export async function embeddings(call: Call): Promise<void> {
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

/** POST /v1/files: a form with a file in it. */
export async function files(call: Call): Promise<void> {
  const form = /name="file"; filename="([^"]*)".*?\r\n\r\n(.*?)\r\n--/s.exec(call.raw.toString('latin1'))
  if (!form) return openaiError(call, 400, 'the form has no file')
  const purpose = /name="purpose"\r\n\r\n(.*?)\r\n/.exec(call.raw.toString('latin1'))?.[1] ?? ''
  const [, filename, content = ''] = form
  const id = idOf('file-', [filename, purpose, content])
  const file = { id, object: 'file', bytes: content.length, created_at: 1_770_000_000, filename, purpose }
  await call.json(200, { ...file, status: 'processed' }, { headers: { 'openai-version': '2020-10-01' } })
}

/** POST /v1/audio/speech: bytes that are no text. */
export function speech(call: Call): void {
  const values = vector(stringAt(call.body, 'input') ?? '', 500)
  call.bytes(200, 'audio/mpeg', Buffer.from(new Float32Array(values).buffer))
}

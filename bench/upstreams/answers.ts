/** What a small call asks and is answered: about 0.3 kB in, 0.7 kB out. */
export const question = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Why is the sea blue? '.repeat(10) }],
})

export const answer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'The sea is blue. '.repeat(25) }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 52, completion_tokens: 100, total_tokens: 152 },
})

/** What a streamed call asks. */
export const streamQuestion = JSON.stringify({
  model: 'gpt-4o-mini',
  stream: true,
  stream_options: { include_usage: true },
  messages: [{ role: 'user', content: 'Why is the sea blue? '.repeat(10) }],
})

const chunk = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta, finish_reason: finish }],
  })}\n\n`

/** A chunk as an event; its text is the time at which it is sent. */
export const chunkAt = (nanoseconds: bigint): string => chunk({ content: `@${nanoseconds};` }, null)

/** The same as a line of Ollama's. */
export const lineAt = (nanoseconds: bigint): string =>
  `${JSON.stringify({ model: 'llama3.2', created_at: '2026-11-01T00:00:00Z', message: { role: 'assistant', content: `@${nanoseconds};` }, done: false })}\n`

export const streamEnd = (chunks: number): string =>
  chunk({}, 'stop') +
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    model: 'gpt-4o-mini',
    choices: [],
    usage: { prompt_tokens: 52, completion_tokens: chunks, total_tokens: 52 + chunks },
  })}\n\ndata: [DONE]\n\n`

export const linesEnd = (chunks: number): string =>
  `${JSON.stringify({ model: 'llama3.2', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 52, eval_count: chunks })}\n`

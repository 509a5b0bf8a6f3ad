import type { Clients } from './clients.ts'

/** The calls of three projects. They run at the same time; within a project one after the other. */
export const scenes: readonly ((stage: Stage) => Promise<void>)[] = [checkoutBot, supportSearch, research]

export interface Stage {
  /** The proxy's address. */
  url: string
  clients: Clients
  print: (line: string) => void
}

/** Says its project in a header. */
async function checkoutBot({ url, clients, print }: Stage): Promise<void> {
  const report = reporter('checkout-bot', print)
  const openai = new clients.OpenAI({
    apiKey: 'sk-demo-checkout',
    baseURL: `${url}/v1`,
    maxRetries: 0,
    defaultHeaders: { 'x-project-id': 'checkout-bot', 'x-user-id': 'shop-frontend' },
  })
  const model = 'gpt-4o-mini'
  const user = (content: string) => [{ role: 'user' as const, content }]
  const stock = {
    type: 'function' as const,
    function: {
      name: 'check_stock',
      description: 'How many of an article are in a warehouse',
      parameters: { type: 'object', properties: { city: { type: 'string' }, articles: { type: 'integer' } } },
    },
  }
  for (const question of ['Can I still change the delivery address?', 'Which payment methods are possible?']) {
    await report(`openai ${model}`, 'chat, streamed', async () => {
      const stream = await openai.chat.completions.create({
        model,
        messages: user(question),
        stream: true,
        stream_options: { include_usage: true },
      })
      let tokens = 0
      for await (const chunk of stream) tokens = chunk.usage?.completion_tokens ?? tokens
      return `${tokens} tokens`
    })
  }
  await report(`openai ${model}`, 'tool call', async () => {
    const answer = await openai.chat.completions.create({
      model,
      messages: user('How many are left in Lisbon?'),
      tools: [stock],
    })
    const call = answer.choices[0]?.message.tool_calls?.[0]
    return call?.type === 'function' ? `${call.function.name}(${call.function.arguments})` : 'no call'
  })
  await report('openai gpt-4o-mimi', 'a model misspelt', async () => {
    await openai.chat.completions.create({ model: 'gpt-4o-mimi', messages: user('Hello?') })
    return 'answered'
  })
}

/** Says its project in the base URL, for clients that can set no header. */
async function supportSearch({ url, clients, print }: Stage): Promise<void> {
  const report = reporter('support-search', print)
  const openai = new clients.OpenAI({ apiKey: 'sk-demo-search', baseURL: `${url}/p/support-search/v1`, maxRetries: 0 })
  const anthropic = new clients.Anthropic({ apiKey: 'sk-ant-demo', baseURL: `${url}/p/support-search`, maxRetries: 0 })
  const embedder = 'text-embedding-3-small'
  await report(`openai ${embedder}`, 'embeddings', async () => {
    const input = ['how to return an article', 'where is my parcel', 'the code does not work']
    const answer = await openai.embeddings.create({ model: embedder, input })
    return `${answer.data.length} vectors`
  })
  const model = 'claude-haiku-4-5'
  const message = (content: string) => ({ model, max_tokens: 500, messages: [{ role: 'user' as const, content }] })
  await report(`anthropic ${model}`, 'message', async () => {
    const answer = await anthropic.messages.create(message('Summarise the ticket about the missing parcel.'))
    return `${answer.usage.output_tokens} tokens`
  })
  await report(`anthropic ${model}`, 'message, streamed', async () => {
    const answer = await anthropic.messages
      .stream(message('Which article answers a question about refunds?'))
      .finalMessage()
    return `${answer.usage.output_tokens} tokens`
  })
  await report(`openai ${embedder}`, 'embeddings', async () => {
    const answer = await openai.embeddings.create({ model: embedder, input: 'refund of a gift card' })
    return `${answer.data.length} vector`
  })
}

/** Uses a model on own hardware, and leaves one answer in the middle. */
async function research({ url, clients, print }: Stage): Promise<void> {
  const report = reporter('research', print)
  const headers = { 'x-project-id': 'research', 'x-experiment-id': 'prompts-7' }
  const ollama = new clients.Ollama({ host: url, headers })
  const anthropic = new clients.Anthropic({
    apiKey: 'sk-ant-lab',
    baseURL: url,
    maxRetries: 0,
    defaultHeaders: headers,
  })
  const model = 'llama3.2'
  const user = (content: string) => [{ role: 'user' as const, content }]
  await report(`ollama ${model}`, 'chat, streamed', async () => {
    let tokens = 0
    for await (const part of await ollama.chat({ model, messages: user('Compare the two prompts.'), stream: true }))
      tokens = part.eval_count ?? tokens
    return `${tokens} tokens`
  })
  await report('anthropic claude-sonnet-4-6', 'thinking, streamed', async () => {
    const answer = await anthropic.messages
      .stream({
        model: 'claude-sonnet-4-6',
        max_tokens: 2000,
        thinking: { type: 'enabled', budget_tokens: 1024 },
        messages: user('Which hypothesis explains the measurements?'),
      })
      .finalMessage()
    return `${answer.usage.output_tokens} tokens`
  })
  await report(`ollama ${model}`, 'a stream left early', async () => {
    const stream = await ollama.chat({ model, messages: user('List everything about interferometers.'), stream: true })
    let parts = 0
    try {
      for await (const _part of stream) if (++parts === 6) stream.abort()
    } catch (error) {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error
    }
    return `left after ${parts} tokens`
  })
}

/** Prints one line a call: who, what, how it went, how long it took. */
function reporter(project: string, print: Stage['print']) {
  return async (model: string, what: string, call: () => Promise<string>): Promise<void> => {
    const beganMs = performance.now()
    const result = await call().catch(failure)
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(2)
    print(`  ${project.padEnd(15)} ${model.padEnd(30)} ${what.padEnd(20)} ${seconds} s  ${result}`)
  }
}

/** An API's refusal is part of the show; anything else is a mistake of ours. */
function failure(error: unknown): string {
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') return error.message
  throw error
}

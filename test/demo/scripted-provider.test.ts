import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ScriptedProvider, scriptedProvider } from '../../src/demo/scripted-provider.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { eventually } from '../support/within.ts'

const post = (path: string, body: object | string, headers: [string, string][] = [['authorization', 'Bearer k']]) =>
  requestBytes('POST', path, headers, typeof body === 'string' ? body : JSON.stringify(body))

const ask = { messages: [{ role: 'user', content: 'Tell me about lighthouses.' }], max_tokens: 50 }

describe('the scripted provider', () => {
  let provider: ScriptedProvider
  beforeAll(async () => {
    provider = await scriptedProvider({ pace: { firstTokenMs: 40, tokensPerSecond: 200 } })
  })
  afterAll(async () => {
    await provider.stop()
    expect(provider.failures).toEqual([])
  })

  it.each([
    [
      '/v1/chat/completions',
      { ...ask, model: 'gpt-4o-mini', stream: true, stream_options: { include_usage: true } },
      /"content":"[^"]/g,
    ],
    ['/v1/messages', { ...ask, model: 'claude-haiku-4-5', stream: true }, /text_delta/g],
    ['/api/chat', { ...ask, model: 'llama3.2' }, /"content":"[^"]/g],
    ['/api/generate', { prompt: 'Tell me about lighthouses.', model: 'llama3.2' }, /"response":"[^"]/g],
  ])('streams on %s at its pace, and counts the tokens it sent', async (path, body, content) => {
    const got = await rawExchange(provider.port, post(path, body))
    const tokens = got.bodyText.match(content)?.length ?? 0
    const counted = /"(?:completion_tokens|output_tokens|eval_count)":(\d+)(?!.*"(?:output_tokens|eval_count)":)/s.exec(
      got.bodyText,
    )
    expect(tokens).toBeGreaterThan(20)
    expect(Number(counted?.[1])).toBe(tokens)
    const spoken = got.pieces.filter((piece) => piece.bytes.toString().match(content))
    expect(spoken[0]!.atMs - got.sentAtMs).toBeGreaterThan(38)
    expect(spoken.at(-1)!.atMs - spoken[0]!.atMs).toBeGreaterThan((tokens - 1) * 4)
  })

  it('says the same words to the same question', async () => {
    const request = post('/v1/chat/completions', { ...ask, model: 'gpt-4o-mini' })
    const [one, two] = [await rawExchange(provider.port, request), await rawExchange(provider.port, request)]
    expect(one.bodyText).toBe(two.bodyText)
    expect(one.status).toBe(200)
  })

  it.each([
    ['/v1/chat/completions', { error: { message: 'no API key was sent', type: 'invalid_request_error' } }],
    ['/v1/messages', { type: 'error', error: { type: 'authentication_error', message: 'no API key was sent' } }],
  ])('wants a key on %s', async (path, body) => {
    const got = await rawExchange(provider.port, post(path, { ...ask, model: 'gpt-4o-mini' }, []))
    expect(got.status).toBe(401)
    expect(got.json).toMatchObject(body)
  })

  it('answers what is no JSON and what is no route as the vendors do', async () => {
    expect(await rawExchange(provider.port, post('/v1/chat/completions', '{"a":'))).toMatchObject({ status: 400 })
    expect(await rawExchange(provider.port, post('/v1/nowhere', {}))).toMatchObject({ status: 404 })
    expect((await rawExchange(provider.port, post('/api/chat', { model: 'unheard-of' }))).json).toEqual({
      error: "model 'unheard-of' not found",
    })
  })

  it.each([
    ['/v1/chat/completions', 'model_not_found'],
    ['/v1/messages', 'not_found_error'],
  ])('knows no model that is not on its list (%s)', async (path, code) => {
    const got = await rawExchange(provider.port, post(path, { ...ask, model: 'gpt-4o-mimi' }))
    expect(got.status).toBe(404)
    expect(got.bodyText).toContain(code)
  })

  it('counts a client that leaves in the middle, and only that one', async () => {
    const before = provider.aborted
    const client = await rawConnect(provider.port)
    await client.send(post('/v1/chat/completions', { ...ask, model: 'gpt-4o-mini', stream: true }))
    await client.bodyText('"content":" ')
    client.leave()
    await eventually('the provider to notice', () => provider.aborted === before + 1)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { arrayAt, objectOf } from '../../src/records/json.ts'
import type { OtelLog } from '../../src/records/otel-log.ts'
import { cli } from '../cli/run-cli.ts'
import { answer, json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { loadSample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

/** Calls as OpenTelemetry log documents (contracts 5.2; rows G10 to G14), as the API and the command line make them. */
let upstream: ScriptedUpstream
let proxy: TestProxy
let script: Step[] = []

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
  const refusing = await scriptedUpstream(() => [])
  await refusing.stop()
  const ids = ['openai', 'groq', 'ollama', 'anthropic', 'vllm', 'openrouter', 'llamacpp']
  proxy = await startProxy({
    upstreams: {
      ...Object.fromEntries(ids.map((id) => [id, upstream.port])),
      gone: { provider: 'openai', url: `http://127.0.0.1:${refusing.port}` },
    },
    projects: { shop: { name: 'The Shop' } },
    deploymentEnvironment: 'staging',
  })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

interface Called {
  path?: string
  headers?: readonly (readonly [string, string])[]
  body?: string | Buffer
}

/** Makes a call and reads its document over HTTP. */
async function logOf({ path = '/v1/chat/completions', headers = [], body = ask }: Called = {}): Promise<OtelLog> {
  const all = [['content-type', 'application/json'] as const, ...headers]
  const through = await rawExchange(proxy.port, requestBytes('POST', path, all, body))
  await proxy.settled()
  return otel(through.header('x-sightglass-id')!)
}

async function otel(id: string): Promise<OtelLog> {
  const answered = await fetch(`${proxy.url}/llm-history/${id}?format=otel`, {
    headers: { authorization: `Bearer ${proxy.adminToken}` },
  })
  expect(answered.status).toBe(200)
  return (await answered.json()) as OtelLog
}

const ask = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Why is the sea blue?' }] })
const said = {
  id: 'chatcmpl-7',
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Blue light scatters.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
}
const sampled = (name: string): { steps: Step[]; body: Buffer; path: string } => {
  const { request, response, provider } = loadSample(name)
  return { steps: answer(response), body: request.body, path: `/${provider}${request.path}` }
}

it('has exactly the keys of the contract, whole numbers, and the time of the request (G10)', async () => {
  script = json(said, 200, [['x-request-id', 'req_7']])
  const before = Date.now()
  const log = await logOf()
  const { attributes } = log
  expect(log).toEqual({
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    resource: {
      'service.name': 'sightglass',
      'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
      'deployment.environment': 'staging',
    },
    name: 'ai_gateway_request_log',
    attributes: {
      id: expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      thread_id: expect.stringMatching(/^thread_[0-9a-f]{32}$/),
      org_id: null,
      user_id: null,
      project_id: 'default',
      experiment_id: null,
      provider: 'openai',
      model: 'gpt-4o-mini-2024-07-18',
      request: JSON.parse(ask),
      response: said,
      metadata: {
        project_id: 'default',
        project_name: null,
        latency: expect.any(Number),
        ttfb: expect.any(Number),
        tokens: { input: 12, output: 5, total: 17 },
        cost: 0.0000048,
        status: 'success',
        path: '/v1/chat/completions',
        method: 'POST',
        request_size: ask.length,
        response_size: JSON.stringify(said).length,
        provider_latency: expect.any(Number),
        status_code: 200,
        provider_status_code: 200,
        error_count: 0,
        error_type: null,
        provider_error_count: 0,
        provider_error_type: null,
        provider_request_id: 'req_7',
      },
    },
  })
  const { latency, ttfb, provider_latency, request_size, response_size } = attributes.metadata
  for (const number of [latency, ttfb, provider_latency, request_size, response_size])
    expect(Number.isInteger(number) && number! > 0).toBe(true)
  expect(Date.parse(log.timestamp)).toBeGreaterThanOrEqual(before)
  expect(Date.parse(log.timestamp)).toBeLessThanOrEqual(Date.now())
})

it('is the same document whenever and wherever it is made (G10)', async () => {
  script = json(said)
  const log = await logOf()
  const id = log.attributes.id.slice(4).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  expect(await otel(id)).toEqual(log)
  const env = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken, DEPLOYMENT_ENVIRONMENT: 'staging' }
  const asked = await cli(['show', id, '--format', 'otel'], env)
  expect(JSON.parse(asked.out)).toEqual(log)
  const offline = { DATA_DIR: proxy.dataDir, PORT: '0', DEPLOYMENT_ENVIRONMENT: 'staging' }
  expect(JSON.parse((await cli(['show', id, '--format', 'otel'], offline)).out)).toEqual(log)
})

it('takes identity from the headers, under either spelling, and the thread where one is named (G12)', async () => {
  script = json(said)
  const headers = (organisation: string) =>
    [
      ['x-project-id', 'shop'],
      [organisation, 'acme'],
      ['x-user-id', 'ada'],
      ['x-experiment-id', 'exp-1'],
      ['x-session-id', 'thread-of-ours'],
      ['x-environment', 'production'],
    ] as const
  for (const organisation of ['x-organisation-id', 'x-organization-id']) {
    const { attributes, resource } = await logOf({ headers: headers(organisation) })
    expect(attributes).toMatchObject({
      thread_id: 'thread-of-ours',
      org_id: 'acme',
      user_id: 'ada',
      project_id: 'shop',
      experiment_id: 'exp-1',
      metadata: { project_id: 'shop', project_name: 'The Shop' },
    })
    expect(resource['deployment.environment']).toBe('production')
  }
})

describe('a streamed call holds the answer as a whole and every chunk in order, without end marks (G11)', () => {
  it('of OpenAI', async () => {
    const { steps, body, path } = sampled('openai/chat-stream-usage')
    script = steps
    const { attributes } = await logOf({ body, path })
    const response = objectOf(attributes.response)
    const chunks = arrayAt(response, 'streamed_data')
    expect(chunks).toEqual(chunksOf('openai/chat-stream-usage'))
    expect(JSON.stringify(chunks)).not.toContain('[DONE]')
    expect(response).toMatchObject({
      id: objectOf(chunks[0]).id,
      model: objectOf(chunks[0]).model,
      choices: [{ index: 0, delta: { role: 'assistant', content: contentOf(chunks) }, finish_reason: 'stop' }],
      usage: objectOf(chunks.at(-1)).usage,
    })
    expect(contentOf(chunks).length).toBeGreaterThan(5)
    expect(response).not.toHaveProperty('streamed_data_truncated')
    expect(attributes).not.toHaveProperty('response_truncated')
  })

  it('of Anthropic, with the usage of its beginning and its end, and its tool calls (G18)', async () => {
    const { steps, body, path } = sampled('anthropic/messages-tools-stream')
    script = steps
    const { attributes } = await logOf({ body, path, headers: [['anthropic-version', '2023-06-01']] })
    const response = objectOf(attributes.response)
    const types = arrayAt(response, 'streamed_data').map((chunk) => objectOf(chunk).type)
    expect(types[0]).toBe('message_start')
    expect(types.at(-1)).toBe('message_stop')
    const { record } = { record: await lastRecord() }
    expect(attributes.metadata.tokens).toEqual({
      input: record.telemetry.metadata.prompt_tokens,
      output: record.telemetry.metadata.completion_tokens,
      total: record.telemetry.metadata.total_tokens,
    })
    expect(attributes.metadata.tokens.input).toBeGreaterThan(0)
    const [choice] = arrayAt(response, 'choices')
    expect(arrayAt(choice, 'delta', 'tool_calls')[0]).toMatchObject({
      type: 'function',
      function: { name: expect.any(String), arguments: expect.stringContaining('{') },
    })
  })

  it.each([
    ['groq/chat-stream-usage-in-x-groq', 'groq'],
    ['ollama/chat-stream', 'ollama'],
  ])('of %s, with the time that the server itself told beside the measured one (G14)', async (name, provider) => {
    const { steps, body, path } = sampled(name)
    script = steps
    const { attributes } = await logOf({ body, path })
    const record = await lastRecord()
    expect(attributes.provider).toBe(provider)
    expect(attributes.metadata.provider_reported_latency).toBe(
      Math.max(1, Math.round(record.telemetry.metadata.provider_ms!)),
    )
    expect(attributes.metadata.provider_latency).toBeGreaterThan(0)
    expect(attributes.metadata.ttfb).toBeGreaterThan(0)
    const chunks = arrayAt(attributes.response, 'streamed_data')
    expect(chunks).toEqual(chunksOf(name))
    expect(objectOf(attributes.response)).toMatchObject({
      choices: [{ delta: { role: 'assistant', content: record.run.completion } }],
      usage: record.run.raw_usage,
    })
  })

  it('leaves out empty objects, and says when there are more chunks than it takes', async () => {
    const delta = (content: string) => `data: {"choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`
    const stream = `data: {}\n\n: ping\n\n${delta('a').repeat(10_500)}data: {}\n\ndata: [DONE]\n\n`
    script = answer({ headers: [['content-type', 'text/event-stream']], framing: 'chunked', body: stream })
    const { attributes } = await logOf()
    const response = objectOf(attributes.response)
    expect(arrayAt(response, 'streamed_data')).toHaveLength(10_000)
    expect(response.streamed_data_truncated).toBe(true)
    expect(response.choices).toMatchObject([{ delta: { content: 'a'.repeat(10_500) } }])
  })
})

describe('status and errors (G13)', () => {
  it.each(['openai', 'groq', 'anthropic', 'ollama', 'vllm'])('an error of %s is the provider’s', async (provider) => {
    script = json({ error: { message: 'it broke', type: 'server_error' } }, 500)
    const path = { anthropic: '/anthropic/v1/messages', ollama: '/ollama/api/chat' }[provider]
    const { attributes } = await logOf({ path: path ?? `/${provider}/v1/chat/completions` })
    expect(attributes.metadata).toMatchObject({
      status: 'error',
      status_code: 500,
      provider_status_code: 500,
      error_count: 0,
      error_type: null,
      provider_error_count: 1,
      provider_error_type: 'server_error',
    })
    expect(attributes.model).toBe('gpt-4o-mini')
    expect(attributes.response).toMatchObject({ error: { message: 'it broke' } })
    expect(attributes.metadata.provider_latency).toBeGreaterThan(0)
    expect(attributes.metadata.ttfb).toBeGreaterThan(0)
  })

  it('an upstream that cannot be reached is ours', async () => {
    const { attributes } = await logOf({ path: '/gone/v1/chat/completions' })
    expect(attributes.metadata).toMatchObject({
      status: 'error',
      status_code: 502,
      provider_status_code: null,
      error_count: 1,
      error_type: 'upstream_refused',
      provider_error_count: 0,
      provider_error_type: null,
    })
  })

  it('an error in the middle of a stream is the provider’s, and so is a cut', async () => {
    const { steps, body, path } = sampled('openai/chat-error-stream')
    script = steps
    expect((await logOf({ body, path })).attributes.metadata).toMatchObject({
      status: 'error',
      status_code: 200,
      provider_error_count: 1,
    })
    const cut = sampled('openai/chat-cut-stream')
    script = cut.steps
    expect((await logOf({ body: cut.body, path: cut.path })).attributes.metadata).toMatchObject({
      status: 'error',
      provider_error_count: 1,
      provider_error_type: expect.stringMatching(/^upstream_(cut|reset)$/),
    })
  })
})

it('goes not with raw bytes, and knows no other form', async () => {
  script = json(said)
  const log = await logOf()
  const id = log.attributes.id.slice(4).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  for (const query of ['format=otel&raw=request', 'format=xml']) {
    const answered = await fetch(`${proxy.url}/llm-history/${id}?${query}`, {
      headers: { authorization: `Bearer ${proxy.adminToken}` },
    })
    expect(answered.status).toBe(422)
    expect(await answered.json()).toMatchObject({ error: { param: 'format' } })
  }
})

async function lastRecord() {
  const records = await proxy.records()
  return records.at(-1)!
}

/** What the lines of a sample's answer say, read by hand. */
function chunksOf(name: string): unknown[] {
  const text = Buffer.concat(loadSample(name).response.pieces.map(([, bytes]) => bytes)).toString('utf8')
  return text
    .split('\n')
    .map((line) => line.replace(/^data: ?/, '').trim())
    .filter((line) => line.startsWith('{') && line !== '{}')
    .map((line) => JSON.parse(line))
}

const contentOf = (chunks: readonly unknown[]): string =>
  chunks
    .map((chunk) => objectOf(objectOf(arrayAt(chunk, 'choices')[0]).delta).content)
    .filter((content) => typeof content === 'string')
    .join('')

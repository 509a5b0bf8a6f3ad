import { createHash } from 'node:crypto'
import { gzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { loadProviders } from '../../providers/index.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import { startTokenCounter } from '../../src/meter/tokens.ts'
import { rawRecord, recordMaker } from '../../src/pipeline/records.ts'
import type { Exchange } from '../../src/records/exchange.ts'
import { anExchange, begun, type ExchangeParts } from '../meter/exchange.ts'
import { loadSamples } from '../support/samples.ts'
import { exchangeOfSample } from './sample-exchange.ts'

const tokens = startTokenCounter()
afterAll(() => tokens.close())

const parts = {
  instance: '01900000-0000-7000-8000-000000000001',
  providers: await loadProviders(),
  prices: loadPrices(),
  tokens,
  pepper: 'pepper',
  bodyLimitBytes: 64 << 10,
  projectNames: new Map([['acme', 'Acme Ltd']]),
}
const record = recordMaker(parts)

const question = JSON.stringify({
  model: 'gpt-4o-mini',
  stream: true,
  temperature: 0.5,
  max_tokens: 99,
  stop: ['END'],
  user: 'end-user-7',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Say hello' },
  ],
})
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const delta = (content: string, finish: string | null = null): string =>
  event({
    id: 'chatcmpl-1',
    model: 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  })
const usage = event({
  id: 'chatcmpl-1',
  choices: [],
  usage: { prompt_tokens: 1234, completion_tokens: 567, total_tokens: 1801 },
})
const answer: [number, string][] = [
  [80, delta('')],
  [300, delta('Hello')],
  [340, delta(' world', 'stop')],
  [350, `${usage}data: [DONE]\n\n`],
]

const chat = (changes: ExchangeParts = {}): Exchange => anExchange({ request: question, response: answer, ...changes })
const json = (value: unknown): ExchangeParts => ({
  head: { contentType: 'application/json' },
  response: [[90, JSON.stringify(value)]],
})

describe('record of a call', () => {
  it('holds one telemetry and one run document under the id of the exchange', async () => {
    const exchange = chat()
    const { telemetry, run } = await record(exchange)
    expect([telemetry._id, telemetry.request_id, run._id, run.request_id]).toEqual(Array(4).fill(exchange.open.id))
    expect(telemetry).toMatchObject({
      event_type: 'llm_request',
      timestamp: '2026-10-27T12:00:00.000Z',
      instance: parts.instance,
      metadata: {
        client_id: 'acme',
        project_id: 'acme',
        project_name: 'Acme Ltd',
        soeid: 'ada',
        user_id: 'ada',
        endpoint: '/v1/chat/completions',
        status_code: 200,
        operation: 'chat',
        stream: true,
        model_requested: 'gpt-4o-mini',
        model_served: 'gpt-4o-mini-2024-07-18',
        outcome: 'ok',
        success: true,
        ttft_ms: 300,
        ttfb_ms: 50,
        latency_ms: 351,
        inter_token_mean_ms: 40,
        prompt_tokens: 1234,
        completion_tokens: 567,
        total_tokens: 1801,
        token_source: 'reported',
        cost_picodollars: '525300000',
        cost_usd: 0.0005253,
        cost_estimated: false,
        additional_data: { temperature: 0.5, max_tokens: 99, end_user: 'end-user-7' },
      },
    })
    expect(run).toMatchObject({
      project_name: 'Acme Ltd',
      prompt: 'system: Be brief.\n\nuser: Say hello',
      completion: 'Hello world',
      prompt_length: 34,
      response_length: 11,
      temperature: 0.5,
      max_tokens: 99,
      finish_reason: 'stop',
      finish_reason_raw: 'stop',
      response_id: 'chatcmpl-1',
      model_version: '2024-07-18',
      success: true,
      error_message: null,
      raw_usage: { prompt_tokens: 1234 },
      choices: [{ index: 0, text: 'Hello world' }],
    })
    expect(run.messages).toHaveLength(2)
  })

  it('says nothing of what was said in the telemetry document', async () => {
    const { telemetry } = await record(chat())
    expect(JSON.stringify(telemetry)).not.toMatch(/Hello|Say hello|Be brief/)
  })

  it('keeps the bytes, their hashes and the time of each piece', async () => {
    const { run, requestBytes, responseBytes, chunkTimes } = await record(chat())
    const text = answer.map(([, piece]) => piece).join('')
    expect(Buffer.from(requestBytes!).toString()).toBe(question)
    expect(Buffer.from(responseBytes!).toString()).toBe(text)
    expect(run.request_body).toMatchObject({
      size: question.length,
      sha256: sha256(question),
      coding: 'identity',
      truncated: false,
    })
    expect(run.response_body.sha256).toBe(sha256(text))
    const times = new Float64Array(chunkTimes!.buffer)
    expect([...times].filter((_, place) => place % 2 === 0)).toEqual([80, 300, 340, 350])
    expect(times.at(-1)).toBe(text.length)
  })

  it('keeps the beginning of a large body, compressed, and says how much', async () => {
    const large = 'data: x\n\n'.repeat(20_000)
    const { run, responseBytes } = await record(chat({ response: [[90, large]] }))
    expect(run.response_body).toMatchObject({ size: large.length, kept: 64 << 10, truncated: true, coding: 'zstd' })
    expect(run.response_body.sha256).toBe(sha256(large))
    expect(zstdDecompressSync(responseBytes!).toString()).toBe(large.slice(0, 64 << 10))
    expect(responseBytes!.length).toBeLessThan(4096)
  })

  it('keeps nothing behind a gap and takes the hash from where all bytes were seen', async () => {
    const piece = (offset: number, text: string) => ({ offset, atMs: begun + 90, bytes: Buffer.from(text) })
    const response = { pieces: [piece(0, 'abc'), piece(10, 'xyz')], size: 13, whole: false }
    const seen = await record(chat({ response, close: { responseSha256: 'f'.repeat(64) } }))
    expect(Buffer.from(seen.responseBytes!).toString()).toBe('abc')
    expect(seen.run.response_body).toMatchObject({ kept: 3, size: 13, truncated: true, sha256: 'f'.repeat(64) })
    expect((await record(chat({ response }))).run.response_body.sha256).toBeNull()
  })

  it('takes over request ids, rate limits and retries from the headers', async () => {
    const { telemetry } = await record(
      chat({
        open: { requestHeaders: [['X-Stainless-Retry-Count', '2']] },
        head: {
          headers: [
            ['X-Request-Id', 'req_1'],
            ['x-ratelimit-remaining-tokens', '149'],
            ['X-RateLimit-Reset-Tokens', '6m0s'],
            ['server', 'x'],
          ],
        },
      }),
    )
    expect(telemetry.metadata).toMatchObject({
      upstream_request_id: 'req_1',
      client_retries: 2,
      rate_limits: { 'x-ratelimit-remaining-tokens': '149', 'x-ratelimit-reset-tokens': '6m0s' },
      limits: [{ name: 'tokens', limit: null, remaining: 149, reset_ms: 360_000 }],
    })
  })

  it('holds no half of a surrogate pair, whether it was sent so or the limit cut it so', async () => {
    const half = await record(chat(json({ choices: [{ message: { content: 'a\ud83d' }, finish_reason: 'stop' }] })))
    expect(half.run.completion).toBe('a\ufffd')
    const long = '🌊'.repeat(40_000)
    const { run } = await record(chat(json({ choices: [{ message: { content: `x${long}` }, finish_reason: 'stop' }] })))
    expect(run.text_truncated).toBe(true)
    expect(run.completion!.isWellFormed()).toBe(true)
  })

  it('says in one vocabulary what headers tell of waiting, place, account and speed', async () => {
    const headers: [string, string][] = [
      ['Retry-After', '2'],
      ['x-should-retry', 'false'],
      ['x-groq-region', 'fra'],
      ['openai-organization', 'org-1'],
      ['fireworks-server-time-to-first-token', '0.119'],
    ]
    const { telemetry } = await record(chat({ head: { headers } }))
    expect(telemetry.metadata).toMatchObject({
      retry_after_ms: 2000,
      retry_advised: false,
      upstream_region: 'fra',
      upstream_account: 'org-1',
      provider_ttft_ms: 119,
      limits: null,
    })
  })

  it('tells of rare parameters, and of sizes where the request is not kept', async () => {
    const body = JSON.stringify({ model: 'm', verbosity: 'low', messages: [{ role: 'user', content: 'four' }] })
    const kept = (await record(chat({ request: body }))).run.parameters
    expect(kept).toMatchObject({ verbosity: 'low', temperature: null })
    expect(kept).not.toHaveProperty('characters')
    const { run } = await record(chat({ request: body, open: { captureRequest: 'metadata' } }))
    expect(run.parameters).toMatchObject({ verbosity: 'low', messages: 1, characters: 4 })
  })

  it('shows tool calls as JSON where no text was said', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Ulm"}' } }
    const { run } = await record(
      chat(
        json({
          id: 'x',
          model: 'm',
          choices: [{ index: 0, message: { content: null, tool_calls: [call] }, finish_reason: 'tool_calls' }],
        }),
      ),
    )
    expect(JSON.parse(run.completion!)).toEqual([{ id: 'call_1', name: 'weather', arguments: '{"city":"Ulm"}' }])
    expect(run.tool_calls).toHaveLength(1)
  })

  it('records a failed call with its status, its error and the model that was asked for', async () => {
    const { telemetry, run } = await record(
      chat({
        head: { status: 429, contentType: 'application/json' },
        response: [[60, '{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}']],
      }),
    )
    expect(telemetry.metadata).toMatchObject({
      status_code: 429,
      outcome: 'upstream_error_http',
      success: false,
      error_type: 'requests',
      error_code: 'rate_limit_exceeded',
      error_message: 'slow down',
      llm_model: 'gpt-4o-mini',
      prompt_tokens: null,
      cost_picodollars: null,
    })
    expect(run).toMatchObject({
      model: 'gpt-4o-mini',
      prompt: 'system: Be brief.\n\nuser: Say hello',
      success: false,
      error_message: 'slow down',
    })
  })

  it('records partial text and an estimate of it when the answer was cut', async () => {
    const { telemetry, run } = await record(
      chat({
        response: answer.slice(0, 2),
        close: {
          endBy: 'upstream',
          endPhase: 'data',
          upstreamComplete: false,
          failure: { code: 'upstream_reset', message: 'reset' },
        },
      }),
    )
    expect(telemetry.metadata).toMatchObject({
      outcome: 'upstream_cut',
      error_code: 'upstream_reset',
      token_source: 'estimated',
      tokenizer: 'o200k_base',
      completion_tokens: 1,
      cost_estimated: true,
    })
    expect(run.completion).toBe('Hello')
  })

  it('records a call that got no answer, and one whose process died', async () => {
    const refused = await record(
      chat({
        head: null,
        response: [],
        close: {
          endBy: 'upstream',
          endPhase: 'connect',
          statusSent: 502,
          upstreamComplete: false,
          failure: { code: 'upstream_refused', message: 'refused' },
        },
      }),
    )
    expect(refused.telemetry.metadata).toMatchObject({
      status_code: 502,
      upstream_status: null,
      outcome: 'proxy_error',
      error_type: 'upstream_refused',
    })
    expect(refused.run).toMatchObject({ completion: null, prompt: 'system: Be brief.\n\nuser: Say hello' })
    const dead = await record(chat({ close: null, response: answer.slice(0, 3) }))
    expect(dead.telemetry.metadata).toMatchObject({ outcome: 'interrupted', latency_ms: 340, success: false })
    expect(dead.run.completion).toBe('Hello world')
  })

  it('calls what is no model call a direct request, without tokens or cost', async () => {
    const { telemetry } = await record(
      chat({ open: { method: 'GET', path: '/v1/models?x=1' }, request: '', ...json({ object: 'list', data: [] }) }),
    )
    expect(telemetry.event_type).toBe('direct_request')
    expect(telemetry.metadata).toMatchObject({
      operation: 'models',
      endpoint: '/v1/models',
      token_source: 'none',
      usage: null,
      cost_usd: null,
      unpriced_reason: null,
      additional_data: null,
    })
  })

  it('keeps the counters and times of Ollama', async () => {
    const done = {
      model: 'llama3.2:3b',
      message: { role: 'assistant', content: 'Hi' },
      done: true,
      done_reason: 'stop',
      total_duration: 5_043_500_667,
      load_duration: 5_025_959,
      prompt_eval_count: 26,
      prompt_eval_duration: 325_953_000,
      eval_count: 290,
      eval_duration: 4_709_213_000,
    }
    const { telemetry, run } = await record(
      chat({
        open: { provider: 'ollama', upstream: 'ollama', path: '/api/chat' },
        request: JSON.stringify({ model: 'llama3.2:3b', stream: false, messages: [{ role: 'user', content: 'Hi' }] }),
        ...json(done),
      }),
    )
    expect(run.metadata).toEqual({
      ollama_response: true,
      model_version: '3b',
      prompt_eval_count: 26,
      eval_count: 290,
      prompt_eval_duration_ms: 325.953,
      eval_duration_ms: 4709.213,
      load_duration_ms: 5.025959,
      total_duration_ms: 5043.500667,
      tokens_per_second: (290 * 1000) / 4709.213,
    })
    expect(run.prompt).toBe('Hi')
    expect(telemetry.metadata).toMatchObject({
      prompt_tokens: 26,
      completion_tokens: 290,
      cost_picodollars: '0',
      ttft_ms: null,
      provider_ms: 5043.500667,
    })
  })

  it('bounds names and messages that come from outside', async () => {
    const long = 'm'.repeat(100_000)
    const { telemetry, run } = await record(
      chat({
        request: JSON.stringify({ model: long, messages: [] }),
        head: { status: 400, contentType: 'application/json' },
        response: [[60, JSON.stringify({ error: { message: long, type: long, code: long } })]],
      }),
    )
    expect(JSON.stringify(telemetry).length).toBeLessThan(10_000)
    expect(JSON.stringify(run).length).toBeLessThan(10_000)
    expect(telemetry.metadata.model_requested).toBe(long.slice(0, 256))
  })

  it('cuts long texts at the limit and says so', async () => {
    const long = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'y'.repeat(100_000) }] })
    const { run } = await record(chat({ request: long }))
    expect(run.prompt).toHaveLength(64 << 10)
    expect(run).toMatchObject({ prompt_length: 100_000, text_truncated: true })
  })
})

describe('capture', () => {
  const said = /Hello|hello|brief|END|end-user/

  it.each(['metadata', 'off'] as const)('%s keeps numbers and neither text nor bytes', async (capture) => {
    const made = await record(chat({ open: { captureRequest: capture, captureResponse: capture } }))
    expect(made).toMatchObject({ requestBytes: null, responseBytes: null, chunkTimes: null })
    expect(JSON.stringify([made.telemetry, made.run])).not.toMatch(said)
    expect(made.run).toMatchObject({
      prompt: null,
      completion: null,
      messages: [],
      choices: [],
      prompt_tokens: 1234,
      prompt_length: 34,
      response_length: 11,
    })
    expect(made.telemetry.metadata).toMatchObject({ completion_tokens: 567, capture_request: capture })
  })

  it('treats request and answer apart', async () => {
    const asked = await record(chat({ open: { captureResponse: 'metadata' } }))
    expect(asked.run).toMatchObject({ prompt: 'system: Be brief.\n\nuser: Say hello', completion: null, choices: [] })
    expect(asked.requestBytes).not.toBeNull()
    expect(asked.responseBytes).toBeNull()
    const answered = await record(chat({ open: { captureRequest: 'off' } }))
    expect(answered.run).toMatchObject({ prompt: null, messages: [], completion: 'Hello world' })
    expect(answered.requestBytes).toBeNull()
  })

  it('does not quote a vendor’s error where answers are not kept', async () => {
    const made = await record(
      chat({
        open: { captureResponse: 'metadata' },
        head: { status: 400, contentType: 'application/json' },
        response: [[60, '{"error":{"message":"cannot parse: Hello","type":"invalid_request_error","code":null}}']],
      }),
    )
    expect(JSON.stringify([made.telemetry, made.run])).not.toMatch(/cannot parse/)
    expect(made.telemetry.metadata).toMatchObject({
      error_type: 'invalid_request_error',
      error_message: 'not kept: upstream_error_http',
    })
  })

  it('keeps neither bytes nor text of a compressed body that nobody could search for the call’s secret', async () => {
    const bomb = gzipSync(Buffer.alloc(80 << 20))
    const made = await record(
      chat({
        open: {
          requestHeaders: [
            ['content-encoding', 'gzip'],
            ['content-type', 'application/json'],
          ],
          secretHints: [{ length: 51, rolling: 1, hmac: '0'.repeat(64) }],
        },
        request: bomb,
      }),
    )
    expect(made.requestBytes).toBeNull()
    expect(made.run.prompt).toBeNull()
    expect(made.telemetry.metadata.notes.join()).toMatch(/request is not kept/)
    expect(made.responseBytes).not.toBeNull()
  })
})

describe('raw record', () => {
  it('keeps the bytes and the facts of the transport, with the error', () => {
    const made = rawRecord(chat(), new Error('decoder fell over'), parts)
    expect(made.telemetry.metadata).toMatchObject({
      outcome: 'ok',
      status_code: 200,
      latency_ms: 351,
      usage: null,
      notes: ['the exchange could not be read: decoder fell over'],
    })
    expect(Buffer.from(made.requestBytes!).toString()).toBe(question)
    expect(made.run).toMatchObject({ prompt: null, completion: null, operation: 'other' })
  })

  it('does not quote bytes that are not to be kept', () => {
    const made = rawRecord(
      chat({ open: { captureRequest: 'metadata' } }),
      new SyntaxError('Unexpected "Say hello"'),
      parts,
    )
    expect(made.telemetry.metadata.notes).toEqual(['the exchange could not be read: SyntaxError'])
  })

  it('keeps no compressed body in which a secret may stand', () => {
    const secretHints = [{ length: 51, rolling: 1, hmac: '0'.repeat(64) }]
    const made = rawRecord(chat({ open: { secretHints }, head: { contentEncoding: 'gzip' } }), 'x', parts)
    expect(made.requestBytes).not.toBeNull()
    expect(made.responseBytes).toBeNull()
  })
})

describe('every recorded exchange', () => {
  for (const sample of loadSamples().filter(({ expect }) => expect !== null)) {
    it(`${sample.name} ends as written down, with tokens where it succeeded`, async () => {
      const { telemetry, run } = await record(exchangeOfSample(sample))
      const { metadata } = telemetry
      const wanted = sample.expect!
      if (wanted.outcome) expect(metadata.outcome).toBe(wanted.outcome)
      // counts that are missing, or were told before an answer broke off, are completed by an estimate
      const complete = wanted.usage?.input != null && (wanted.usage.output != null || wanted.operation === 'embeddings')
      if (complete && metadata.success) expect(metadata.token_source).toBe(wanted.tokenSource)
      expect(metadata.operation).toBe(wanted.operation)
      if (wanted.text && run.choices.length > 0) expect(run.completion).toBe(wanted.text.toWellFormed())
      const unread = metadata.parse_note?.includes('was not read')
      if (
        wanted.operation === 'chat' &&
        metadata.success &&
        wanted.finishReason !== 'load' &&
        wanted.finishReason !== 'unload' &&
        // what is made in the background has its tokens where it is fetched
        run.parameters.background !== true &&
        !unread
      )
        expect([metadata.prompt_tokens, metadata.completion_tokens]).not.toContain(null)
      if (!metadata.success) expect(metadata.error_message).toBeTruthy()
    })
  }
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { version as programVersion } from '../../src/lib/version.ts'
import type { BilledLine } from '../../src/records/bill.ts'
import type { RunRecord } from '../../src/records/llm-run.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import type { TelemetryMetadata, TelemetryRecord } from '../../src/records/telemetry.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import type { RunDetail } from '../../src/stores/store.ts'
import { chunk, json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { type RawAnswer, rawExchange, requestBytes } from '../support/raw-client.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

/**
 * What one call of each API leaves, field by field (contracts 2.2 and 3.1, M1 to M3): the documents are compared whole, so a
 * field that is added, lost or empty shows here.
 */
let upstream: ScriptedUpstream
let proxy: TestProxy
let script: () => Iterable<Step> | AsyncIterable<Step>

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script())
  proxy = await startProxy({
    upstreams: { openai: upstream.port, anthropic: upstream.port, ollama: upstream.port },
    projects: { shop: { name: 'The Shop' } },
  })
})

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

const caller: [string, string][] = [
  ['content-type', 'application/json'],
  ['x-project-id', 'shop'],
  ['x-organisation-id', 'org-1'],
  ['x-user-id', 'ada'],
  ['x-experiment-id', 'exp-1'],
  ['x-session-id', 'session-1'],
  ['x-environment', 'staging'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['user-agent', 'fields/1'],
  ['x-stainless-retry-count', '2'],
]

async function call(
  path: string,
  key: [string, string] | null,
  body: object,
): Promise<RunDetail & { all: RawAnswer; sent: string }> {
  const sent = JSON.stringify(body)
  const headers = key ? [...caller, key] : caller
  const all = await rawExchange(proxy.port, requestBytes('POST', path, headers, sent))
  expect(all.status).toBe(200)
  return { ...(await proxy.record(all.header('x-sightglass-id'))), all, sent }
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')
const ms = expect.any(Number)
const fingerprint = expect.stringMatching(/^[0-9a-f]{32}$/)
const version = expect.stringMatching(/^\d{4}-\d{2}-\d{2}/)

/** Fields that are the same for every API, from what was sent and received. */
const callFields = ({ all, sent }: { all: RawAnswer; sent: string }) =>
  ({
    client_id: 'shop',
    project_id: 'shop',
    project_name: 'The Shop',
    soeid: 'ada',
    user_id: 'ada',
    organisation_id: 'org-1',
    experiment_id: 'exp-1',
    session_id: 'session-1',
    environment: 'staging',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    key_name: null,
    method: 'POST',
    http_version: '1.1',
    status_code: 200,
    upstream_status: 200,
    client_retries: 2,
    outcome: 'ok',
    success: true,
    end_by: null,
    end_phase: 'done',
    error_type: null,
    error_code: null,
    error_message: null,
    parse_note: null,
    retry_after_ms: null,
    retry_advised: null,
    upstream_region: null,
    provider_ttft_ms: null,
    latency_ms: ms,
    llm_latency: ms,
    ttfb_ms: ms,
    queue_ms: ms,
    upstream_ms: ms,
    overhead_ms: ms,
    request_size: Buffer.byteLength(sent),
    response_size: all.body.length,
    request_sha256: sha256(sent),
    response_sha256: sha256(all.body),
    content_encoding: null,
    capture_request: 'full',
    capture_response: 'full',
    masked: false,
    usage_asked: false,
    withheld_bytes: 0,
    notes: [],
    cost_estimated: false,
    unpriced_reason: null,
    price_version: version,
    tokenizer: null,
    token_source: 'reported',
  }) satisfies Partial<TelemetryMetadata>

const billed = (kind: string, quantity: number, price: string, picodollars: string, field = kind): BilledLine => ({
  kind,
  quantity,
  price,
  unit: 'per 1M',
  factor: null,
  price_field: field,
  picodollars,
})

const wholeTelemetry = (id: string, metadata: TelemetryMetadata): TelemetryRecord => ({
  _id: id,
  request_id: id,
  event_type: 'llm_request',
  timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  timestamp_ms: ms,
  client_ip: '127.0.0.1',
  instance: expect.stringMatching(/^[0-9a-f-]{36}$/),
  program_version: programVersion,
  metadata,
})

/** The fields of a run that are those of its telemetry under another name. */
const sharedFields = ({ _id, request_id, timestamp, timestamp_ms, metadata }: TelemetryRecord) => ({
  _id,
  request_id,
  timestamp,
  timestamp_ms,
  soeid: metadata.soeid,
  project_name: metadata.project_name,
  project_id: metadata.project_id,
  key_id: metadata.key_id,
  provider: metadata.provider,
  operation: metadata.operation,
  model: metadata.llm_model ?? 'unknown',
  model_name: metadata.llm_model,
  prompt_tokens: metadata.prompt_tokens,
  completion_tokens: metadata.completion_tokens,
  total_tokens: metadata.total_tokens,
  latency_ms: metadata.latency_ms,
  response_time_ms: metadata.latency_ms,
  queue_time_ms: metadata.queue_ms,
  processing_time_ms: expect.closeTo(metadata.latency_ms - metadata.queue_ms!, 2),
  tokens_per_second: metadata.output_tokens_per_second,
  success: metadata.success,
  error_message: metadata.error_message,
  finish_reason: metadata.finish_reason,
  outcome: metadata.outcome,
  status_code: metadata.status_code,
  token_source: metadata.token_source,
  cost_usd: metadata.cost_usd,
})

const bodies = ({ all, sent }: { all: RawAnswer; sent: string }, contentType: string) => ({
  request_body: {
    size: sent.length,
    sha256: sha256(sent),
    kept: sent.length,
    truncated: false,
    coding: 'identity',
    content_type: 'application/json',
    content_encoding: null,
  } as const,
  response_body: {
    size: all.body.length,
    sha256: sha256(all.body),
    kept: all.body.length,
    truncated: false,
    coding: 'identity',
    content_type: contentType,
    content_encoding: null,
  } as const,
})

const noUsage = storedNames(unknownUsage)

const noParameters = {
  temperature: null,
  top_p: null,
  top_k: null,
  min_p: null,
  max_tokens: null,
  stop: null,
  seed: null,
  frequency_penalty: null,
  presence_penalty: null,
  repeat_penalty: null,
  n: null,
  tool_choice: null,
  parallel_tool_calls: null,
  response_format: null,
  reasoning_effort: null,
  service_tier: null,
  include_usage: null,
  logprobs: null,
  keep_alive: null,
  dimensions: null,
}

const requestHeaders = (length: number, ...more: [string, string][]): RunRecord['request_headers'] => [
  ['content-type', 'application/json'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['user-agent', 'fields/1'],
  ['x-stainless-retry-count', '2'],
  ...more,
  ['content-length', String(length)],
]

/** Times of a record in the order in which they must have passed. */
function inOrder(...times: (number | null)[]): void {
  for (const [place, time] of times.entries()) {
    expect(time).not.toBeNull()
    if (place > 0) expect(time!).toBeGreaterThanOrEqual(times[place - 1]! - 0.01)
  }
}

it('a streamed OpenAI chat', async () => {
  const event = (delta: object, finish: string | null = null) =>
    chunk(
      `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-4o-mini-2024-07-18', service_tier: 'default', system_fingerprint: 'fp_1', choices: [{ index: 0, delta, finish_reason: finish }], usage: null })}\n\n`,
    )
  const rawUsage = {
    prompt_tokens: 1000,
    completion_tokens: 60,
    total_tokens: 1060,
    prompt_tokens_details: { cached_tokens: 400, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  }
  async function* played(): AsyncGenerator<Step> {
    yield { waitMs: 20 }
    yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_openai\r\n' +
      'openai-processing-ms: 17\r\nopenai-version: 2020-10-01\r\nx-ratelimit-remaining-tokens: 149984\r\n' +
      'x-ratelimit-reset-tokens: 6ms\r\nset-cookie: a=b\r\ntransfer-encoding: chunked\r\n\r\n'
    yield event({ role: 'assistant', content: '' })
    for (const word of ['Blue', ' light', ' scatters.']) {
      yield { waitMs: 30 }
      yield event({ content: word })
    }
    yield event({}, 'stop')
    yield chunk(
      `data: ${JSON.stringify({ id: 'chatcmpl-1', model: 'gpt-4o-mini-2024-07-18', choices: [], usage: rawUsage })}\n\n`,
    )
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  }
  script = played
  const found = await call('/v1/chat/completions', ['authorization', 'Bearer sk-fields-0123456789'], {
    model: 'gpt-4o-mini',
    stream: true,
    stream_options: { include_usage: true },
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why is the sea blue?' },
    ],
    temperature: 0,
    top_p: 0.9,
    max_completion_tokens: 64,
    stop: ['END'],
    seed: 7,
    frequency_penalty: 0.1,
    presence_penalty: -0.2,
    n: 1,
    tools: [{ type: 'function', function: { name: 'weather', parameters: {} } }],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    response_format: { type: 'text' },
    reasoning_effort: 'low',
    service_tier: 'auto',
    logprobs: false,
    user: 'end-user-1',
  })
  const { telemetry, run, all, sent } = found
  const id = all.header('x-sightglass-id')!
  const { metadata } = telemetry
  expect(telemetry).toEqual(
    wholeTelemetry(id, {
      ...callFields(found),
      key_id: fingerprint,
      provider: 'openai',
      upstream: 'openai',
      target_service: 'openai',
      endpoint: '/v1/chat/completions',
      operation: 'chat',
      stream: true,
      model_requested: 'gpt-4o-mini',
      model_served: 'gpt-4o-mini-2024-07-18',
      llm_model: 'gpt-4o-mini-2024-07-18',
      upstream_request_id: 'req_openai',
      rate_limits: { 'x-ratelimit-remaining-tokens': '149984', 'x-ratelimit-reset-tokens': '6ms' },
      limits: [{ name: 'tokens', limit: null, remaining: 149_984, reset_ms: 6 }],
      upstream_account: null,
      finish_reason: 'stop',
      ttft_ms: ms,
      ttft_answer_ms: metadata.ttft_ms,
      last_content_ms: ms,
      inter_token_mean_ms: ms,
      inter_token_p95_ms: ms,
      provider_ms: 17,
      output_tokens_per_second: expect.closeTo(60_000 / (metadata.last_content_ms! - metadata.ttft_ms!), 0),
      prompt_tokens: 1000,
      completion_tokens: 60,
      total_tokens: 1060,
      usage: {
        ...noUsage,
        input: 1000,
        input_uncached: 600,
        cache_read: 400,
        output: 60,
        reasoning: 0,
        audio_input: 0,
        total_reported: 1060,
      },
      // 600 × 0.15 + 400 × 0.075 + 60 × 0.60 dollars for a million
      cost_picodollars: '156000000',
      cost_usd: 0.000156,
      price_terms: {
        service_tier: 'default',
        batch: false,
        conditions: [],
        reported_usd: null,
        units: {},
      },
      content_type: 'text/event-stream; charset=utf-8',
      additional_data: {
        model: 'gpt-4o-mini-2024-07-18',
        temperature: 0,
        max_tokens: 64,
        request_id: id,
        end_user: 'end-user-1',
      },
    }),
  )
  inOrder(15, metadata.ttfb_ms, metadata.ttft_ms, metadata.last_content_ms, metadata.latency_ms)
  expect(metadata.ttft_ms! - metadata.ttfb_ms!).toBeGreaterThan(1)
  expect(metadata.inter_token_mean_ms).toBeCloseTo((metadata.last_content_ms! - metadata.ttft_ms!) / 2, 2)
  expect(metadata.inter_token_p95_ms).toBeGreaterThanOrEqual(metadata.inter_token_mean_ms!)
  expect(metadata.llm_latency).toBe(metadata.upstream_ms)
  inOrder(metadata.queue_ms, metadata.overhead_ms)
  inOrder(metadata.upstream_ms! + metadata.overhead_ms!, metadata.latency_ms)

  const messages = [
    { role: 'system', name: null, text: 'Be brief.', tool_calls: [], tool_call_id: null, images: [] },
    { role: 'user', name: null, text: 'Why is the sea blue?', tool_calls: [], tool_call_id: null, images: [] },
  ]
  const whole: RunRecord = {
    ...sharedFields(telemetry),
    prompt: 'system: Be brief.\n\nuser: Why is the sea blue?',
    completion: 'Blue light scatters.',
    prompt_length: 45,
    response_length: 20,
    temperature: 0,
    max_tokens: 64,
    model_version: '2024-07-18',
    metadata: {},
    messages,
    choices: [
      {
        index: 0,
        text: 'Blue light scatters.',
        reasoning: '',
        refusal: '',
        tool_calls: [],
        finish_reason: 'stop',
        finish_reason_raw: 'stop',
        parts: [],
      },
    ],
    tools: ['weather'],
    reasoning: null,
    tool_calls: [],
    refusal: null,
    parameters: {
      ...noParameters,
      temperature: 0,
      top_p: 0.9,
      max_tokens: 64,
      stop: ['END'],
      seed: 7,
      frequency_penalty: 0.1,
      presence_penalty: -0.2,
      n: 1,
      tool_choice: 'auto',
      parallel_tool_calls: false,
      response_format: 'text',
      reasoning_effort: 'low',
      service_tier: 'auto',
      include_usage: true,
      logprobs: false,
    },
    finish_reason_raw: 'stop',
    response_id: 'chatcmpl-1',
    system_fingerprint: 'fp_1',
    service_tier: 'default',
    text_truncated: false,
    bill: [
      billed('input', 600, '0.15', '90000000'),
      billed('cached_input', 400, '0.075', '30000000'),
      billed('output', 60, '0.6', '36000000'),
    ],
    raw_usage: rawUsage,
    request_headers: requestHeaders(sent.length),
    response_headers: [
      ['content-type', 'text/event-stream; charset=utf-8'],
      ['x-request-id', 'req_openai'],
      ['openai-processing-ms', '17'],
      ['openai-version', '2020-10-01'],
      ['x-ratelimit-remaining-tokens', '149984'],
      ['x-ratelimit-reset-tokens', '6ms'],
      ['transfer-encoding', 'chunked'],
    ],
    events: { events: 7, content_events: 3, bad_events: 0, comments: 0 },
    ...bodies(found, 'text/event-stream; charset=utf-8'),
  }
  expect(run).toEqual(whole)
})

it('a streamed Anthropic message with thinking and a tool call', async () => {
  const event = (data: { type: string; [name: string]: unknown }) =>
    chunk(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`)
  async function* played(): AsyncGenerator<Step> {
    yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_anthropic\r\n' +
      'anthropic-ratelimit-tokens-remaining: 79000\r\nanthropic-ratelimit-tokens-reset: 2026-11-21T10:00:00Z\r\n' +
      'anthropic-organization-id: org-a\r\ntransfer-encoding: chunked\r\n\r\n'
    yield event({
      type: 'message_start',
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude-sonnet-4-5-20250929',
        content: [],
        stop_reason: null,
        usage: { input_tokens: 100, cache_creation_input_tokens: 20, cache_read_input_tokens: 30, output_tokens: 1 },
      },
    })
    yield event({ type: 'ping' })
    yield event({ type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } })
    yield { waitMs: 25 }
    yield event({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Look it up.' } })
    yield event({ type: 'content_block_stop', index: 0 })
    yield event({ type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } })
    yield { waitMs: 25 }
    yield event({ type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'One moment.' } })
    yield event({ type: 'content_block_stop', index: 1 })
    yield event({
      type: 'content_block_start',
      index: 2,
      content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} },
    })
    yield event({
      type: 'content_block_delta',
      index: 2,
      delta: { type: 'input_json_delta', partial_json: '{"city":"Ulm"}' },
    })
    yield event({ type: 'content_block_stop', index: 2 })
    yield event({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 42 } })
    yield event({ type: 'message_stop' })
    yield '0\r\n\r\n'
  }
  script = played
  const found = await call('/v1/messages', ['x-api-key', 'sk-ant-fields-0123456789'], {
    model: 'claude-sonnet-4-5',
    max_tokens: 512,
    stream: true,
    system: 'Be brief.',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Weather in Ulm?' }] }],
    temperature: 1,
    top_k: 40,
    top_p: 0.8,
    stop_sequences: ['END'],
    thinking: { type: 'enabled', budget_tokens: 256 },
    tools: [{ name: 'weather', input_schema: { type: 'object' } }],
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
    metadata: { user_id: 'end-user-2' },
    service_tier: 'standard_only',
  })
  const { telemetry, run, all, sent } = found
  const id = all.header('x-sightglass-id')!
  const { metadata } = telemetry
  expect(telemetry).toEqual(
    wholeTelemetry(id, {
      ...callFields(found),
      key_id: fingerprint,
      provider: 'anthropic',
      upstream: 'anthropic',
      target_service: 'anthropic',
      endpoint: '/v1/messages',
      operation: 'chat',
      stream: true,
      model_requested: 'claude-sonnet-4-5',
      model_served: 'claude-sonnet-4-5-20250929',
      llm_model: 'claude-sonnet-4-5-20250929',
      upstream_request_id: 'req_anthropic',
      rate_limits: {
        'anthropic-ratelimit-tokens-remaining': '79000',
        'anthropic-ratelimit-tokens-reset': '2026-11-21T10:00:00Z',
      },
      limits: [{ name: 'tokens', limit: null, remaining: 79_000, reset_ms: ms }],
      upstream_account: 'org-a',
      finish_reason: 'tool_calls',
      ttft_ms: ms,
      ttft_answer_ms: ms,
      last_content_ms: ms,
      inter_token_mean_ms: ms,
      inter_token_p95_ms: ms,
      provider_ms: null,
      output_tokens_per_second: expect.closeTo(42_000 / (metadata.last_content_ms! - metadata.ttft_ms!), 0),
      prompt_tokens: 150,
      completion_tokens: 42,
      total_tokens: 192,
      usage: {
        ...noUsage,
        input: 150,
        input_uncached: 100,
        cache_read: 30,
        cache_write: 20,
        output: 42,
      },
      // 100 × 3 + 30 × 0.30 + 20 × 3.75 + 42 × 15 dollars for a million
      cost_picodollars: '1014000000',
      cost_usd: 0.001014,
      price_terms: null,
      content_type: 'text/event-stream',
      additional_data: {
        model: 'claude-sonnet-4-5-20250929',
        temperature: 1,
        max_tokens: 512,
        request_id: id,
        end_user: 'end-user-2',
      },
    }),
  )
  inOrder(metadata.ttfb_ms, metadata.ttft_ms, metadata.ttft_answer_ms, metadata.last_content_ms, metadata.latency_ms)
  expect(metadata.ttft_ms! - metadata.ttfb_ms!).toBeGreaterThan(1)
  expect(metadata.ttft_answer_ms! - metadata.ttft_ms!).toBeGreaterThan(1)

  const toolCall = { id: 'toolu_1', name: 'weather', arguments: '{"city":"Ulm"}' }
  const whole: RunRecord = {
    ...sharedFields(telemetry),
    prompt: 'system: Be brief.\n\nuser: Weather in Ulm?',
    completion: 'One moment.',
    prompt_length: 40,
    response_length: 11,
    temperature: 1,
    max_tokens: 512,
    model_version: '20250929',
    metadata: {},
    messages: [
      { role: 'system', name: null, text: 'Be brief.', tool_calls: [], tool_call_id: null, images: [] },
      { role: 'user', name: null, text: 'Weather in Ulm?', tool_calls: [], tool_call_id: null, images: [] },
    ],
    choices: [
      {
        index: 0,
        text: 'One moment.',
        reasoning: 'Look it up.',
        refusal: '',
        tool_calls: [toolCall],
        finish_reason: 'tool_calls',
        finish_reason_raw: 'tool_use',
        parts: [],
      },
    ],
    tools: ['weather'],
    reasoning: 'Look it up.',
    tool_calls: [toolCall],
    refusal: null,
    parameters: {
      ...noParameters,
      temperature: 1,
      top_k: 40,
      top_p: 0.8,
      max_tokens: 512,
      stop: ['END'],
      tool_choice: 'auto',
      parallel_tool_calls: false,
      reasoning_effort: 'enabled',
      service_tier: 'standard_only',
      thinking: 'enabled',
      thinking_budget: 256,
      metadata_fields: 1,
    },
    finish_reason_raw: 'tool_use',
    response_id: 'msg_1',
    system_fingerprint: null,
    service_tier: null,
    text_truncated: false,
    bill: [
      billed('input', 100, '3', '300000000'),
      billed('cached_input', 30, '0.3', '9000000'),
      billed('cache_write', 20, '3.75', '75000000'),
      billed('output', 42, '15', '630000000'),
    ],
    raw_usage: {
      input_tokens: 100,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 30,
      output_tokens: 42,
    },
    request_headers: requestHeaders(sent.length),
    response_headers: [
      ['content-type', 'text/event-stream'],
      ['request-id', 'req_anthropic'],
      ['anthropic-ratelimit-tokens-remaining', '79000'],
      ['anthropic-ratelimit-tokens-reset', '2026-11-21T10:00:00Z'],
      ['anthropic-organization-id', 'org-a'],
      ['transfer-encoding', 'chunked'],
    ],
    events: { events: 13, content_events: 4, bad_events: 0, comments: 0 },
    ...bodies(found, 'text/event-stream'),
  }
  expect(run).toEqual(whole)
})

it('an Ollama chat that is no stream, and orders to load and to unload the model', async () => {
  const done = {
    model: 'llama3.2:3b',
    created_at: '2026-11-21T10:00:00Z',
    message: { role: 'assistant', content: 'Hi there' },
    done: true,
    done_reason: 'stop',
    total_duration: 5_043_500_667,
    load_duration: 5_025_959,
    prompt_eval_count: 26,
    prompt_eval_duration: 325_953_000,
    eval_count: 290,
    eval_duration: 4_709_213_000,
  }
  script = () => json(done)
  const found = await call('/api/chat', null, {
    model: 'llama3.2:3b',
    stream: false,
    messages: [{ role: 'user', content: 'Hi' }],
    format: 'json',
    think: false,
    keep_alive: '5m',
    options: {
      temperature: 0.5,
      top_p: 0.9,
      top_k: 20,
      min_p: 0.05,
      num_predict: 300,
      stop: ['END'],
      seed: 42,
      repeat_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
    },
  })
  const { telemetry, run, all, sent } = found
  const id = all.header('x-sightglass-id')!
  expect(telemetry).toEqual(
    wholeTelemetry(id, {
      ...callFields(found),
      key_id: null,
      provider: 'ollama',
      upstream: 'ollama',
      target_service: 'ollama',
      endpoint: '/api/chat',
      operation: 'chat',
      stream: false,
      model_requested: 'llama3.2:3b',
      model_served: 'llama3.2:3b',
      llm_model: 'llama3.2:3b',
      upstream_request_id: null,
      rate_limits: null,
      limits: null,
      upstream_account: null,
      finish_reason: 'stop',
      ttft_ms: null,
      ttft_answer_ms: null,
      last_content_ms: null,
      inter_token_mean_ms: null,
      inter_token_p95_ms: null,
      provider_ms: 5043.500667,
      output_tokens_per_second: expect.closeTo(290 / 4.709213, 2),
      prompt_tokens: 26,
      completion_tokens: 290,
      total_tokens: 316,
      usage: { ...noUsage, input: 26, input_uncached: 26, output: 290 },
      cost_picodollars: '0',
      cost_usd: 0,
      price_terms: null,
      content_type: 'application/json',
      additional_data: { model: 'llama3.2:3b', temperature: 0.5, max_tokens: 300, request_id: id },
    }),
  )
  const { message: _message, model: _model, created_at: _at, done: _done, done_reason: _reason, ...counters } = done
  const whole: RunRecord = {
    ...sharedFields(telemetry),
    prompt: 'Hi',
    completion: 'Hi there',
    prompt_length: 2,
    response_length: 8,
    temperature: 0.5,
    max_tokens: 300,
    model_version: '3b',
    metadata: {
      ollama_response: true,
      model_version: '3b',
      prompt_eval_count: 26,
      eval_count: 290,
      prompt_eval_duration_ms: 325.953,
      eval_duration_ms: 4709.213,
      load_duration_ms: 5.025959,
      total_duration_ms: 5043.500667,
      tokens_per_second: (290 * 1000) / 4709.213,
    },
    messages: [{ role: 'user', name: null, text: 'Hi', tool_calls: [], tool_call_id: null, images: [] }],
    choices: [
      {
        index: 0,
        text: 'Hi there',
        reasoning: '',
        refusal: '',
        tool_calls: [],
        finish_reason: 'stop',
        finish_reason_raw: 'stop',
        parts: [],
      },
    ],
    tools: [],
    reasoning: null,
    tool_calls: [],
    refusal: null,
    parameters: {
      ...noParameters,
      temperature: 0.5,
      top_p: 0.9,
      top_k: 20,
      min_p: 0.05,
      max_tokens: 300,
      stop: ['END'],
      seed: 42,
      repeat_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
      response_format: 'json',
      reasoning_effort: 'false',
      keep_alive: '5m',
    },
    finish_reason_raw: 'stop',
    response_id: null,
    system_fingerprint: null,
    service_tier: null,
    text_truncated: false,
    bill: [billed('input', 26, '0', '0', 'rules'), billed('output', 290, '0', '0', 'rules')],
    raw_usage: counters,
    request_headers: requestHeaders(sent.length),
    response_headers: [
      ['content-type', 'application/json'],
      ['content-length', String(all.body.length)],
    ],
    events: { events: 0, content_events: 0, bad_events: 0, comments: 0 },
    ...bodies(found, 'application/json'),
  }
  expect(run).toEqual(whole)

  const orders = { load: {}, unload: { keep_alive: 0 } }
  for (const [done_reason, more] of Object.entries(orders)) {
    script = () => json({ model: 'llama3.2:3b', message: { role: 'assistant', content: '' }, done: true, done_reason })
    const order = await call('/api/chat', null, { model: 'llama3.2:3b', messages: [], ...more })
    expect(order.telemetry.metadata).toMatchObject({
      ...{ outcome: 'ok', finish_reason: done_reason, token_source: 'none' },
      ...{ prompt_tokens: null, completion_tokens: null, total_tokens: null },
    })
    expect(order.run.metadata).toMatchObject({ ollama_response: true, eval_count: null, tokens_per_second: null })
  }
})

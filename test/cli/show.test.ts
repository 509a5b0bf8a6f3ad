import { describe, expect, it } from 'vitest'
import { costOf } from '../../src/meter/cost.ts'
import { recordedCost } from '../../src/meter/price-again.ts'
import { loadPrices } from '../../src/meter/prices.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { loadSample } from '../support/samples.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { cells, cli, storeWith } from './run-cli.ts'

const shown = async (record: StoredRecord, ...words: string[]) => {
  const { code, out } = await cli(['show', record.telemetry._id, '--tz', 'UTC', ...words], storeWith([record]))
  expect(code).toBe(0)
  return out
}
/** The lines below a heading. */
const section = (out: string, title: string): string[] => {
  const lines = out.split('\n')
  const start = lines.indexOf(title)
  expect(start).toBeGreaterThan(0)
  const end = lines.indexOf('', start)
  return lines.slice(start + 1, end === -1 ? undefined : end)
}

describe('the bill', () => {
  const usage = {
    ...unknownUsage,
    input: 32_250,
    cacheRead: 18_250,
    cacheWrite: 5_400,
    cacheWrite1h: 4_000,
    output: 845,
  }
  const cost = recordedCost(
    costOf(
      {
        ...{ provider: 'anthropic', model: 'claude-opus-4-8', wallMs: aMoment, estimated: false },
        ...{ usage: { ...usage, webSearches: 2 }, serviceTier: null, batch: false, conditions: ['speed:fast'] },
      },
      loadPrices(),
    ),
  )
  const record = aRecord({ metadata: { ...cost.fields, provider: 'anthropic' }, run: { bill: cost.bill } })

  it('has each line with its kind, count, price and exact amount, and they add up to the cost', async () => {
    const lines = section(await shown(record), 'bill')
    const rows = lines.slice(2).map(cells)
    expect(rows.map(([kind]) => kind)).toEqual([
      'input tokens',
      'input tokens from a cache',
      'input tokens written to a cache',
      'input tokens written to a cache for an hour',
      'output tokens',
      'web searches',
      'cost',
    ])
    expect(rows[1]).toEqual([
      'input tokens from a cache',
      '18,250',
      expect.stringMatching(/^\$[\d.]+ per 1M × 2$/),
      expect.anything(),
    ])
    expect(rows[5]).toEqual(['web searches', '2', '$0.01 each', '$0.02'])
    const picodollars = (text: string) => BigInt((Number(text.slice(1)) * 1e9).toFixed(0))
    const amounts = rows.slice(0, -1).map((row) => picodollars(row.at(-1)!))
    expect(amounts.reduce((sum, one) => sum + one, 0n)).toBe(picodollars(rows.at(-1)!.at(-1)!))
    expect(BigInt(cost.fields.cost_picodollars!)).toBe(picodollars(rows.at(-1)!.at(-1)!) * 1000n)
  })

  it('shows kinds that nobody thought of under their own names', async () => {
    const [first] = cost.bill
    const bill = [{ ...first!, kind: 'per_page_annotation', unit: 'each' as const, quantity: 2.5, factor: null }]
    expect(await shown(aRecord({ run: { bill } }))).toMatch(/^ {2}page annotation +2.5 +\$\d+ each/m)
  })

  it('is not there without a cost, and the reason is', async () => {
    const out = await shown(aRecord({ metadata: { cost_picodollars: null, unpriced_reason: 'no price for openai/x' } }))
    expect(out).toContain('– · no price for openai/x')
    expect(out).not.toMatch(/^bill$/m)
  })
})

describe('the timeline', () => {
  it('has every mark in order with the bytes that had come by then, and the longest pauses', async () => {
    const record = aRecord({
      metadata: { ttfb_ms: 100, ttft_ms: 120.5, ttft_answer_ms: 300, last_content_ms: 450, latency_ms: 500 },
      chunkTimes: [
        [110, 10],
        [120.5, 40],
        [300, 90],
        [450, 139],
      ],
    })
    expect(section(await shown(record), 'timeline')).toEqual([
      '       0 ms  request, 101 B',
      '     100 ms  head of the answer, HTTP 200',
      '     110 ms  first bytes  10 B',
      '     121 ms  first token  40 B',
      '     300 ms  first answer text  90 B',
      '     450 ms  last token  139 B',
      '     450 ms  last bytes  139 B',
      '     500 ms  end  139 B',
      '  4 pieces; longest pauses: 180 ms from 121 ms on, 150 ms from 300 ms on, 11 ms from 110 ms on',
    ])
    const document = JSON.parse(await shown(record, '--json'))
    expect(document.timeline.events.map(({ event }: { event: string }) => event)).toEqual([
      'request',
      'head',
      'first_bytes',
      'first_token',
      'first_answer_text',
      'last_token',
      'last_bytes',
      'end',
    ])
    expect(document.timeline.pauses[0]).toEqual({ from_ms: 120.5, ms: 179.5 })
  })

  it('has what is known of a call that was not streamed, or of which no times are kept', async () => {
    const record = aRecord({
      chunkTimes: null,
      metadata: { ttft_ms: null, ttft_answer_ms: null, last_content_ms: null },
    })
    expect(section(await shown(record), 'timeline')).toEqual([
      '       0 ms  request, 101 B',
      '     180 ms  head of the answer, HTTP 200',
      '     225 ms  end',
    ])
  })
})

describe('the conversation', () => {
  const message = (role: string, text: string, more: object = {}) => ({
    ...{ role, name: null, text, tool_calls: [], tool_call_id: null, images: [] },
    ...more,
  })
  const choice = (index: number, more: object) => ({
    ...{
      index,
      text: '',
      reasoning: '',
      refusal: '',
      tool_calls: [],
      finish_reason: 'stop',
      finish_reason_raw: 'stop',
    },
    ...{ parts: [], ...more },
  })

  it('has tools with their results, reasoning, refusals, pictures and every choice', async () => {
    const call = { id: 'call_1', name: 'get_weather', arguments: '{"city":"Ulm"}' }
    const record = aRecord({
      run: {
        messages: [
          message('system', 'Be brief.'),
          message('user', 'What is this?\n[image 12 kB]'),
          message('assistant', '', { tool_calls: [call] }),
          message('tool', '{"temperature":7,"rain":[1,2]}', { tool_call_id: 'call_1' }),
        ],
        choices: [
          choice(0, { text: 'Seven degrees.', reasoning: 'They want the weather.' }),
          choice(1, { refusal: 'I would rather not.', finish_reason_raw: 'content_filter' }),
          choice(2, { parts: ['[audio 40 kB]'], finish_reason_raw: 'length' }),
        ],
      },
    })
    const out = await shown(record)
    expect(out.slice(out.indexOf('\nsystem'))).toBe(`
system
  Be brief.

user
  What is this?
  [image 12 kB]

assistant
  → get_weather({"city":"Ulm"})  [call_1]

result of tool get_weather [call_1]
  {
    "temperature": 7,
    "rain": [
      1,
      2
    ]
  }

reasoning 1
  They want the weather.

answer 1 · finished: stop
  Seven degrees.

refusal 2
  I would rather not.

answer 3 · finished: length
  [audio 40 kB]

usage as reported
  {
    "prompt_tokens": 12,
    "completion_tokens": 5,
    "total_tokens": 17
  }
`)
  })

  it('has long texts cut, with a word on how to see all, which --full does', async () => {
    const long = Array.from({ length: 300 }, (_, line) => `line ${line}`).join('\n')
    const wide = 'word '.repeat(2_000)
    const record = aRecord({ run: { messages: [message('user', long), message('user', wide)] } })
    const out = await shown(record)
    expect(out).toContain('line 59…\n')
    expect(out).not.toContain('line 60')
    expect(out.match(/\([\d,]+ more characters: --full shows all\)/g)).toHaveLength(2)
    const full = await shown(record, '--full')
    expect(full).toContain('line 299')
    expect(full).toContain(wide.trimEnd())
    expect(full).not.toContain('more characters')
  })

  it('cuts JSON into lines as it was written: long numbers, names that stand there twice, texts that look like JSON', async () => {
    const text =
      '{"id":12345678901234567890,"id":1e400,"none":{},"list":[],"text":"{[\\u00fc\\"]}","deep":[[null, true]]}'
    const lines = `  {
    "id": 12345678901234567890,
    "id": 1e400,
    "none": {},
    "list": [],
    "text": "{[ü\\"]}",
    "deep": [
      [
        null,
        true
      ]
    ]
  }
`
    expect(await shown(aRecord({ run: { messages: [message('user', text)] } }))).toContain(lines)
    const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`
    const out = await shown(aRecord({ run: { messages: [message('user', deep)] } }), '--full')
    expect(out.replace(/\s/g, '')).toContain(deep)
    const escaped = JSON.stringify({ text: '\n'.repeat(3 << 20) })
    expect((await shown(aRecord({ run: { messages: [message('user', escaped)] } }))).length).toBeLessThan(10_000)
    for (const broken of ['{"a":1', '[1,]', '{"a" "b"}'])
      expect(await shown(aRecord({ run: { messages: [message('user', broken)] } }))).toContain(`  ${broken}\n`)
  })
})

it('shows real calls whole: the answers of a proxy over HTTP and on the command line', async () => {
  await using upstream = await scriptedUpstream(() =>
    json({
      ...{ id: 'c1', model: 'gpt-4o-mini-2024-07-18', usage: { prompt_tokens: 1_000, completion_tokens: 100 } },
      choices: [{ index: 0, message: { role: 'assistant', content: 'Seven.' }, finish_reason: 'stop' }],
    }),
  )
  await using proxy = await startProxy({ upstreams: { openai: upstream.port, anthropic: upstream.port } })
  const { request } = loadSample('openai/chat-tools')
  const headers = [['content-type', 'application/json']] as const
  const through = await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', headers, request.body))
  const id = through.header('x-sightglass-id')!
  await proxy.settled()
  const answered = await fetch(`${proxy.url}/llm-history/${id}`, {
    headers: { authorization: `Bearer ${proxy.adminToken}` },
  })
  const document = (await answered.json()) as {
    run: { bill: { picodollars: string }[] }
    telemetry: { metadata: { cost_picodollars: string } }
    timeline: { events: { event: string; at_ms: number }[] }
  }
  const sum = document.run.bill.reduce((total, line) => total + BigInt(line.picodollars), 0n)
  expect(sum.toString()).toBe(document.telemetry.metadata.cost_picodollars)
  expect(sum).toBe(210_000_000n)
  expect(document.timeline.events.map(({ event }) => event)).toEqual([
    'request',
    'head',
    'first_bytes',
    'last_bytes',
    'end',
  ])
  const env = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken }
  const { out } = await cli(['show', id], env)
  expect(section(out, 'bill').at(-1)).toMatch(/^ {2}cost +\$0\.00021$/)
  expect(JSON.parse((await cli(['show', id, '--json'], env)).out)).toEqual(document)
})

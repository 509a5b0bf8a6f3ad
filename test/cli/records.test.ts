import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newId } from '../../src/lib/id.ts'
import { storedNames } from '../../src/records/stored-names.ts'
import { unknownUsage } from '../../src/records/usage.ts'
import { adminToken, apiOver } from '../api/api-server.ts'
import { freePort } from '../support/free-port.ts'
import { aMoment, aRecord } from '../support/records.ts'
import { cells, cli, spawnCli, storeWith, temporary } from './run-cli.ts'

const priced = aRecord({
  atMs: aMoment,
  metadata: {
    cost_picodollars: '525000000',
    prompt_tokens: 1_200,
    total_tokens: 1_205,
    usage: { ...storedNames(unknownUsage), input: 1_200, output: 5 },
  },
})
const unpriced = aRecord({
  atMs: aMoment + 60_000,
  metadata: {
    project_id: 'checkout',
    model_served: 'mystery',
    model_requested: 'mystery',
    llm_model: 'mystery',
    cost_picodollars: null,
    cost_usd: null,
    unpriced_reason: 'no price for mystery',
  },
  run: {
    tool_calls: [],
    choices: [
      {
        index: 0,
        text: 'Looking it up\u001b[2J',
        reasoning: 'The user wants weather.',
        refusal: '',
        tool_calls: [{ id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' }],
        finish_reason: 'tool_calls',
        finish_reason_raw: 'tool_calls',
        parts: [],
      },
    ],
  },
})
const failed = aRecord({
  atMs: aMoment + 120_000,
  metadata: {
    outcome: 'proxy_error',
    status_code: 502,
    prompt_tokens: null,
    completion_tokens: null,
    total_tokens: null,
    usage: null,
    token_source: 'none',
    cost_picodollars: null,
    cost_usd: null,
    ttft_ms: null,
  },
})
const records = [priced, unpriced, failed]
const idOf = (record: typeof priced) => record.telemetry._id

/** Where the answers come from: a running API, or the store itself. Both must print the same. */
const places = {
  'a running proxy': async () => {
    const { url } = await apiOver(records)
    return { SIGHTGLASS_URL: url, ADMIN_TOKEN: adminToken }
  },
  'the store itself': async () => storeWith(records),
}

describe.each(Object.entries(places))('with %s', (_place, open) => {
  it('usage sums up by project and model, with unknown costs shown as such', async () => {
    const { code, out } = await cli(['usage'], await open())
    expect(code).toBe(0)
    const lines = out.split('\n')
    expect(cells(lines[0]).slice(0, 7)).toEqual(['Project', 'Model', 'Calls', 'Errors', 'In', 'Cached', 'Out'])
    expect(cells(lines.find((line) => line.startsWith('acme')))).toEqual(
      expect.arrayContaining(['2', '1 (50 %)', '1,200', '$0.000525']),
    )
    expect(cells(lines.find((line) => line.startsWith('checkout')))[7]).toBe('–')
    expect(cells(lines.find((line) => line.startsWith('all')))).toEqual(
      expect.arrayContaining(['3', '1,212', '$0.000525+']),
    )
    expect(out).toMatch(/The cost leaves out 1 call that used tokens, or something else .* without a known price:\n/)
    expect(cells(lines.find((line) => line.includes('openai/mystery')))).toEqual([
      '1',
      'openai/mystery',
      'no price for mystery',
      idOf(unpriced),
    ])
  })

  it('usage gives programs the same reasons, of what was asked about alone', async () => {
    const env = await open()
    const reasons = async (...words: string[]) =>
      JSON.parse((await cli(['usage', '--json', ...words], env)).out).unpriced
    const models = [
      { provider: 'openai', model: 'mystery', calls: 1, reason: 'no price for mystery', call: idOf(unpriced) },
    ]
    const answer = { calls: 1, models, truncated: false }
    expect(await reasons()).toEqual(answer)
    expect(await reasons('--tz', 'Pacific/Auckland', '--from', '2026-11-20T10:16:00Z')).toEqual(answer)
    expect(await reasons('--user', 'ada')).toEqual({ ...answer, models: [{ ...models[0], provider: null }] })
    expect(await reasons('--project', 'acme')).toBeUndefined()
  })

  it('usage takes filters, groups and zones, and gives JSON', async () => {
    const words = [
      'usage',
      '--json',
      '-g',
      'day',
      '--tz',
      'Pacific/Auckland',
      '--project',
      'acme',
      '--from',
      '2026-11-20',
    ]
    const { code, out } = await cli(words, await open())
    expect(code).toBe(0)
    const answer = JSON.parse(out)
    expect(answer.groups).toHaveLength(1)
    expect(answer.groups[0]).toMatchObject({ group: { day: '2026-11-20' }, requests: 2, cost_picodollars: '525000000' })
    expect(answer.totals.requests).toBe(2)
  })

  it('runs lists calls, newest first, with what is unknown shown as such', async () => {
    const { code, out } = await cli(['runs', '--tz', 'Europe/Berlin'], await open())
    expect(code).toBe(0)
    const lines = out.split('\n').slice(2)
    expect(lines[0]).toMatch(/^11:17:30 /)
    expect(out).toContain('times of 2026-11-20 in Europe/Berlin')
    expect(cells(lines[0])).toEqual(expect.arrayContaining(['acme', '502 proxy_error', '–']))
    expect(cells(lines[2])).toEqual(
      expect.arrayContaining(['200 ok', '1,200', '183 ms', '$0.000525', 'Say hello to the world']),
    )
  })

  it('runs pages on with the cursor it prints', async () => {
    const env = await open()
    const first = await cli(['runs', '--limit', '2', '--json'], env)
    const { items, next_cursor: cursor } = JSON.parse(first.out)
    expect(items).toHaveLength(2)
    expect((await cli(['runs', '--limit', '2'], env)).out).toContain(`--cursor ${cursor}`)
    const second = JSON.parse((await cli(['runs', '--limit', '2', '--cursor', cursor, '--json'], env)).out)
    expect(second.items.map((item: { telemetry: { _id: string } }) => item.telemetry._id)).toEqual([idOf(priced)])
    expect(second.next_cursor).toBeNull()
  })

  it('runs narrows by status, text and time', async () => {
    const env = await open()
    const idsOf = async (...words: string[]) => {
      const { items } = JSON.parse((await cli(['runs', '--json', ...words], env)).out)
      return items.map((item: { telemetry: { _id: string } }) => item.telemetry._id)
    }
    expect(await idsOf('--status', 'error')).toEqual([idOf(failed)])
    expect(await idsOf('--project', 'checkout', '--text', 'HELLO')).toEqual([idOf(unpriced)])
    expect(await idsOf('--to', '2026-11-20T10:16:00Z')).toEqual([idOf(priced)])
  })

  it('show keeps its facts within the terminal', async () => {
    const { out } = await cli(['show', idOf(unpriced)], await open(), undefined, 60)
    const facts = out
      .slice(0, out.indexOf('\n\n', out.indexOf('\n\n') + 2))
      .split('\n')
      .slice(1)
    expect(facts.length).toBeGreaterThan(8)
    expect(Math.max(...facts.map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  it('show prints the call as a person reads it', async () => {
    const { code, out } = await cli(['show', idOf(unpriced), '--tz', 'UTC'], await open())
    expect(code).toBe(0)
    for (const text of [
      idOf(unpriced),
      '2026-11-20 10:16:30.000 UTC',
      'project checkout',
      'user ada',
      '12 in + 5 out = 17 · reported',
      '– · no price for mystery',
      'first token 183 ms',
      'gaps between tokens 20 ms',
      'our overhead 0.75 ms',
      'The user wants weather.',
      'Looking it up',
      '→ get_weather({"city":"Paris"})',
    ]) {
      expect(out).toContain(text)
    }
    expect(out).not.toContain('\u001b')
  })

  it('show finds a call by the beginning of its id, and gives the document', async () => {
    const env = await open()
    const { out } = await cli(['show', idOf(priced).slice(0, 18), '--json'], env)
    const document = JSON.parse(out)
    expect(document.telemetry._id).toBe(idOf(priced))
    expect(document.run.completion).toBe('Hello, world!')
    expect(document.chunk_times).toHaveLength(3)
  })

  it('show --raw writes the exact bytes', async () => {
    const env = await open()
    const request = await cli(['show', idOf(priced), '--raw', 'request'], env)
    const response = await spawnCli(['show', idOf(priced), '--raw', 'response'], env)
    expect([...request.bytes]).toEqual([...priced.requestBytes!])
    expect([...response.bytes]).toEqual([...priced.responseBytes!])
  })

  it('show says so when there is no such call', async () => {
    const env = await open()
    for (const id of [newId(aMoment), newId(aMoment).slice(0, 20)]) {
      const { code, out, notes } = await cli(['show', id], env)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(notes).toContain(id)
    }
  })
})

describe('finding the records', () => {
  it('asks the proxy of the settings with the token of its data directory', async () => {
    const { port } = await apiOver(records)
    const DATA_DIR = temporary()
    writeFileSync(join(DATA_DIR, 'admin-token'), `${adminToken}\n`)
    const { code, out, notes } = await cli(['usage', '--json', '--port', String(port)], { DATA_DIR })
    expect(code).toBe(0)
    expect(notes).toBe('')
    expect(JSON.parse(out).totals.requests).toBe(3)
  })

  it('reads the store itself when nothing listens there, and says so beside the answer', async () => {
    const env = { ...storeWith(records), PORT: String(await freePort()) }
    const { code, out, notes } = await cli(['usage', '--json'], env)
    expect(code).toBe(0)
    expect(JSON.parse(out).totals.requests).toBe(3)
    expect(notes).toContain(`Nothing listens on http://127.0.0.1:${env.PORT}`)
  })

  it('fails when nothing listens at an address that was named', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    const { code, notes } = await cli(['usage', '--url', url], storeWith(records))
    expect(code).toBe(1)
    expect(notes).toContain(`nothing listens on ${url}`)
  })

  it('says how to give a token when the proxy wants another', async () => {
    const { url } = await apiOver(records)
    const { code, notes } = await cli(['runs', '--url', url])
    expect(code).toBe(1)
    expect(notes).toContain('--token, ADMIN_TOKEN or ADMIN_TOKEN_FILE')
  })

  it('passes on what the proxy says about a question', async () => {
    const { url } = await apiOver(records)
    const { code, notes } = await cli(['usage', '--url', url, '--token', adminToken, '--key', 'nonsense'])
    expect(code).toBe(1)
    expect(notes).toContain('32 hex')
  })

  it('knows what is no Sightglass', async () => {
    const server = createServer((_request, response) => response.end('<html>')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { code, notes } = await cli(['usage', '--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`])
    expect(code).toBe(1)
    expect(notes).toContain('not as Sightglass does')
  })

  it.each(['runs', 'usage'])('says of %s that another program or version answers in another form', async (command) => {
    const server = createServer((_request, response) => response.end('{"version":"99.0.0"}')).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    onTestFinished(() => void server.close())
    const { code, out, notes } = await cli([
      command,
      '--url',
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(notes).toContain('a form that is not known here')
    expect(notes).not.toContain('TypeError')
  })

  it('passes on what the store says about a question', async () => {
    const { code, notes } = await cli(['runs', '--cursor', 'nonsense'], storeWith(records))
    expect(code).toBe(1)
    expect(notes).toContain('cursor')
    expect(notes).not.toContain('    at ')
  })

  it('says that there are no records yet', async () => {
    const { code, notes } = await cli(['usage'], { DATA_DIR: temporary(), PORT: '0' })
    expect(code).toBe(1)
    expect(notes).toContain('there are no records to read')
  })

  it('tells an empty store from a narrow question', async () => {
    expect((await cli(['usage'], storeWith([]))).out).toContain('No calls yet.')
    expect((await cli(['usage', '--project', 'nobody'], storeWith(records))).out).toBe('No calls like that.\n')
  })
})

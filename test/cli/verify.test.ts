import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer } from '../support/answer.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawConnect, rawExchange, requestBytes } from '../support/raw-client.ts'
import { loadSample, loadSamples, type Sample } from '../support/samples.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'
import { signal, within } from '../support/within.ts'
import { cells, cli, spawnCli, temporary } from './run-cli.ts'

const samples = loadSamples().filter((_sample, place) => place % 3 === 0)
const providers = new Set(samples.map(({ provider }) => provider))

let upstream: ScriptedUpstream
let proxy: TestProxy
let script: readonly Step[] = []
const dataDir = { path: '' }

beforeAll(async () => {
  upstream = await scriptedUpstream(() => [...script])
  const refusing = await scriptedUpstream(() => [])
  await refusing.stop()
  proxy = await startProxy({
    upstreams: {
      ...Object.fromEntries([...providers].map((id) => [id, upstream.port])),
      gone: { provider: 'openai', url: `http://127.0.0.1:${refusing.port}` },
    },
  })
  dataDir.path = proxy.dataDir
  for (const sample of samples) await play(sample)
  await oddEnds(await rawChat())
  await proxy.settled()
}, 60_000)

afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

const env = () => ({ DATA_DIR: dataDir.path })
const verified = async (...words: string[]) => {
  const { code, out } = await cli(['verify', '--json', ...words], env())
  return { code, ...JSON.parse(out) }
}

async function play(sample: Sample): Promise<void> {
  const { request, response } = sample
  script = answer({ ...response, pieces: response.pieces.map(([, bytes], place) => [place === 0 ? 0 : 1, bytes]) })
  const headers = request.headers.filter(
    ([name]) => !/^(host|content-length|transfer-encoding|connection|expect)$/i.test(name),
  )
  const body = request.body.length > 0 ? request.body : undefined
  await rawExchange(proxy.port, requestBytes(request.method, `/${sample.provider}${request.path}`, headers, body))
}

async function rawChat(): Promise<{ stream: Buffer; body: string }> {
  const { response, request } = loadSample('openai/chat-stream-usage')
  return { stream: Buffer.concat(response.pieces.map(([, bytes]) => bytes)), body: request.body.toString('utf8') }
}

/** Calls that end in other ways than with a whole answer. */
async function oddEnds({ stream, body }: { stream: Buffer; body: string }): Promise<void> {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
  const part = (bytes: Uint8Array) =>
    Buffer.from(`${bytes.length.toString(16)}\r\n${Buffer.from(bytes).toString()}\r\n`)
  const ask = (path: string, headers: readonly (readonly [string, string])[] = [], text = body) =>
    rawExchange(proxy.port, requestBytes('POST', path, [['content-type', 'application/json'], ...headers], text))
  await ask('/gone/v1/chat/completions')
  for (const end of ['FIN', 'RST'] as const) {
    script = [head, part(stream.subarray(0, stream.length >> 1)), end]
    await ask('/v1/chat/completions')
  }
  // ended well by its framing, and too early by its format
  script = answer({
    headers: [['content-type', 'text/event-stream']],
    framing: 'chunked',
    pieces: [[0, stream.subarray(0, stream.length >> 1)]],
  })
  await ask('/v1/chat/completions')
  const key = 'sk-verify-0123456789abcdef'
  script = answer({ headers: [['content-type', 'text/event-stream']], framing: 'chunked', pieces: [[0, stream]] })
  await ask(
    '/v1/chat/completions',
    [['authorization', `Bearer ${key}`]],
    body.replace('"messages"', `"x":"${key}","messages"`),
  )
  script = [head, part(stream.subarray(0, 300)), { until: signal().promise }]
  const client = await rawConnect(proxy.port)
  await client.send(requestBytes('POST', '/v1/chat/completions', [['content-type', 'application/json']], body))
  await client.bodyText('data:')
  client.leave()
  await within(5_000, 'the upstream to be left', upstream.requests.at(-1)!.closed)
}

describe('sightglass verify', () => {
  it('finds every record of a running proxy to be what its bytes say', async () => {
    const { code, checked, differing, calls, not_checked } = await verified('--all')
    expect(calls).toEqual([])
    expect({ code, differing }).toEqual({ code: 0, differing: 0 })
    expect(checked).toBe(samples.length + 6)
    expect(not_checked).toEqual([])
  }, 30_000)

  it('takes the filters of lists', async () => {
    const all = (await verified('--all')).checked
    const anthropic = (await verified('--all', '--provider', 'anthropic')).checked
    const errors = (await verified('--all', '--status', 'error', '--provider', 'openai')).checked
    expect(anthropic).toBe(
      (await proxy.records()).filter(({ telemetry }) => telemetry.metadata.provider === 'anthropic').length,
    )
    expect(all).toBeGreaterThan(anthropic + errors)
    expect(errors).toBeGreaterThan(4)
    expect((await cli(['verify', '--all', '--project', 'nobody'], env())).out).toBe('No calls like that.\n')
  }, 30_000)

  it('shows what was checked of one call, found by the beginning of its id', async () => {
    const id = (await proxy.records()).find(({ telemetry }) => telemetry.metadata.finish_reason === 'stop')!.telemetry
      ._id
    const { code, out } = await cli(['verify', id.slice(0, 23)], env())
    expect(code).toBe(0)
    expect(out).toContain(`${id} · embedded database · recorded by version `)
    for (const check of ['request bytes', 'answer bytes', 'times', 'tokens', 'cost', 'bill'])
      expect(out).toMatch(new RegExp(`^${check} +same$`, 'm'))
  })

  it('names what was changed, by field and with both values, and ends with 1', async () => {
    const { telemetry } = (await proxy.records()).find(
      ({ telemetry }) => (telemetry.metadata.total_tokens ?? 0) > 0 && telemetry.metadata.ttft_ms !== null,
    )!
    const { prompt_tokens, ttft_ms } = telemetry.metadata
    await using copy = await changedCopy(telemetry._id, [
      ['telemetry', '$.metadata.prompt_tokens', 4711],
      ['telemetry', '$.metadata.ttft_ms', 1],
    ])
    const one = await cli(['verify', telemetry._id], copy.env)
    expect(one.code).toBe(1)
    const row = (name: string) => cells(one.out.split('\n').find((line) => line.startsWith(name)))
    expect(row('telemetry.metadata.prompt_tokens')).toEqual([
      'telemetry.metadata.prompt_tokens',
      '4711',
      `${prompt_tokens}`,
    ])
    expect(row('telemetry.metadata.ttft_ms')).toEqual(['telemetry.metadata.ttft_ms', '1', `${ttft_ms}`])
    const all = await spawnCli(['verify', '--all', '--json'], copy.env)
    expect(all.code).toBe(1)
    const report = JSON.parse(all.out)
    expect(report).toMatchObject({ differing: 1, calls: [{ id: telemetry._id, place: 'embedded database' }] })
    const fields = report.calls[0].checks.flatMap((check: { differences: { field: string }[] }) =>
      check.differences.map(({ field }) => field),
    )
    expect(fields).toEqual(expect.arrayContaining(['telemetry.metadata.prompt_tokens', 'run.prompt_tokens']))
    expect((await cli(['verify', '--all'], copy.env)).out).toContain('checked, 1 with differences.')
  }, 30_000)

  it('names bytes that were changed in the database', async () => {
    const { telemetry } = (await proxy.records()).find(
      ({ run }) => run.response_body.coding === 'identity' && run.response_body.size > 100,
    )!
    await using copy = await changedCopy(telemetry._id, [])
    copy.database.exec(`UPDATE documents SET response_bytes = CAST(substr(response_bytes, 1, length(response_bytes) - 1) || x'00' AS BLOB)
      WHERE seq = (SELECT seq FROM telemetry WHERE id = '${telemetry._id}')`)
    const { code, out } = await cli(['verify', telemetry._id], copy.env)
    expect(code).toBe(1)
    expect(out).toMatch(/^answer bytes +differs$/m)
    expect(out).toContain('run.response_body.sha256')
  })

  it.each([
    [[], 'wants an ID or --all'],
    [['019f5c1e', '--all'], 'wants an ID or --all'],
    [['--all', '--status', 'fine'], '--status fine'],
    [['nonsense'], 'is no id'],
  ])('is told apart from a call that is wrong: %j', async (words, message) => {
    const { code, notes } = await cli(['verify', ...words], env())
    expect(code).toBe(2)
    expect(notes).toContain(message)
  })

  it('says so when there is no such call, and no records at all', async () => {
    expect(await cli(['verify', '019f5c1e-8a3b-7000-8000-000000000000'], env())).toMatchObject({ code: 1, out: '' })
    expect((await cli(['verify', '--all'], { DATA_DIR: temporary() })).notes).toContain('there are no records to read')
  })
})

/** The proxy's database as it is now, with other values in one record. */
async function changedCopy(id: string, changes: readonly (readonly ['telemetry' | 'run', string, unknown])[]) {
  const DATA_DIR = temporary()
  const path = join(DATA_DIR, 'sightglass.sqlite')
  const source = new DatabaseSync(join(proxy.dataDir, 'sightglass.sqlite'), { readOnly: true })
  source.prepare('VACUUM INTO ?').run(path)
  source.close()
  const database = new DatabaseSync(path)
  for (const [column, place, value] of changes)
    database
      .prepare(
        `UPDATE documents SET ${column} = json_set(${column}, ?, json(?)) WHERE seq = (SELECT seq FROM telemetry WHERE id = ?)`,
      )
      .run(place, JSON.stringify(value), id)
  return { env: { DATA_DIR }, database, [Symbol.asyncDispose]: async () => database.close() }
}

await suiteWithMongo('sightglass verify with MongoDB', (server) => {
  it('finds the same of records that were delivered there', async () => {
    await using copy = await changedCopy('', [])
    const there = { ...copy.env, MONGO_URI: server.uri, DB_NAME: server.database(), RETENTION_DAYS: '0' }
    expect(await cli(['migrate', '--from', 'sqlite', '--to', 'mongodb'], there)).toMatchObject({ code: 0 })
    copy.database.exec('DELETE FROM documents WHERE seq % 2 = 0')
    const { code, out } = await cli(['verify', '--all', '--json'], there)
    const { checked, calls, not_checked } = JSON.parse(out)
    expect({ code, calls, not_checked }).toEqual({ code: 0, calls: [], not_checked: [] })
    const total = samples.length + 6
    expect(checked).toBe(total + Math.ceil(total / 2))
    const { telemetry } = (await proxy.records())[0]!
    const one = JSON.parse((await cli(['verify', telemetry._id, '--json'], there)).out)
    expect(one.map(({ place }: { place: string }) => place)).toContain('MongoDB')
  }, 180_000)
})

import { createHash, randomBytes } from 'node:crypto'
import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { answer } from '../support/answer.ts'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { suiteWithMongo } from '../support/mongo-server.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { delivered } from './health.ts'
import { keptInFake, keptInMongo } from './kept.ts'
import { callHeader } from './kill-upstream.ts'
import { Ledger, losses, none } from './ledger.ts'

const mib = 1024 * 1024
/** Text that no compression makes much smaller. */
const noise = (bytes: number): string => randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64')
const nested = (depth: number): string => `${'{"a":['.repeat(depth)}1${']}'.repeat(depth)}`
const asked = (content: string, fields = ''): Buffer =>
  Buffer.from(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":${content}}]${fields}}`)
const said = (content: string, fields = ''): Buffer =>
  Buffer.from(
    `{"id":"c","model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":${content}},` +
      `"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}${fields}}`,
  )
const tool = (parameters: string): string =>
  `,"tools":[{"type":"function","function":{"name":"f","parameters":${parameters}}}]`
/** Each @ becomes a byte that stands in no UTF-8. */
const spoilt = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => (byte === 0x40 ? 0xff : byte)))

/** What is asked and answered. No server takes the records of most of these as they come. */
const odd: Readonly<Record<string, () => readonly [request: Buffer, response: Buffer]>> = {
  plain: () => [asked('"hi"'), said('"hi"')],
  'an answer of 20 MiB': () => [asked('"hi"'), said(`"${noise(20 * mib)}"`)],
  'a question of 20 MiB': () => [asked(`"${noise(20 * mib)}"`), said('"hi"')],
  'both of 12 MiB': () => [asked(`"${noise(12 * mib)}"`), said(`"${noise(12 * mib)}"`)],
  'nested 150 deep': () => [asked('"hi"', tool(nested(75))), said('"hi"', `,"usage":${nested(75)}`)],
  'nested 3,000 deep': () => [asked('"hi"', tool(nested(1500))), said('"hi"', `,"usage":${nested(1500)}`)],
  'no UTF-8': () => [spoilt(asked('"a@b@@"', tool('{"@":"@"}'))), spoilt(said('"@@ and @"'))],
  'halves of characters': () => [
    asked('"\\ud83d"', tool('{"\\ud800":"\\udc00 x","y":"\\ud800"}')),
    said('"\\udc00 \\ud800 end"'),
  ],
  'keys of operators': () => [
    asked('"hi"', `,"metadata":{"$where":"1","a.b":"2","":"3","__proto__":"4"}${tool('{"$ne":{"a.b":{".":1}}}')}`),
    said('"hi"', ',"usage":{"$set":{"a.b":1,"$inc":{"x\\u0000y":2}},"prompt_tokens":1}'),
  ],
  'no JSON': () => [Buffer.from('\0\0\0{"$'), randomBytes(500)],
}
/** Bytes of no meaning are an answer that says nothing, and the record says so. */
const saidNothing = 'no JSON completed and is recorded as empty'
const large = Object.keys(odd)
  .filter((name) => name.includes('MiB'))
  .sort()

/** Sends every odd call through the whole process, to a MongoDB. */
async function sendAll(mongoUri: string, mongoDatabase: string) {
  const ledger = new Ledger()
  const exchanges = new Map(Object.entries(odd).map(([call, make]) => [call, make()]))
  await using upstream = await scriptedUpstream((request) => {
    const call = request.header(callHeader) ?? ''
    ledger.arrived(call)
    const [asIs, body] = exchanges.get(call)!
    expect(request.body.equals(asIs)).toBe(true)
    return answer({ headers: [['content-type', 'application/json']], body })
  })
  const upstreams = { openai: upstream.port }
  await using proxy = await startProxy({ mongoUri, mongoDatabase, upstreams, bodyLimitBytes: 24 * mib })
  for (const [call, [request, body]] of exchanges) {
    ledger.begun(call)
    const headers = ['content-type: application/json', `x-session-id: ${call}`, `${callHeader}: ${call}`]
    const pairs = headers.map((line) => line.split(': ') as [string, string])
    const ask = requestBytes('POST', '/v1/chat/completions', pairs, request)
    const got = await rawExchange(proxy.port, ask, { deadlineMs: 60_000 })
    ledger.headed(call, got.header('x-sightglass-id'))
    expect(got.body.equals(body)).toBe(true)
    ledger.ended(call, got.ended === 'clean' ? 'clean' : 'cut', false, createHash('sha256').update(body).digest('hex'))
  }
  expect(upstream.failures).toEqual([])
  await proxy.settled()
  const { sinks, records } = await delivered(proxy.url, 120_000)
  return { ledger, sink: sinks.mongodb!, records, sent: exchanges.size }
}

/** The names of the calls whose run was cut to fit, and of those that say what is not all there. */
const cutIn = (runs: readonly Run[]) => ({
  cut: namesOf(runs.filter(({ document_cut }) => document_cut === true)),
  flagged: namesOf(
    runs.filter((run) => run.text_truncated || run.request_body.truncated || run.response_body.truncated),
  ),
})
const namesOf = (runs: readonly Run[]): string[] => runs.map(({ call }) => call).sort()

interface Run {
  call: string
  document_cut?: boolean
  text_truncated: boolean
  request_body: { truncated: boolean }
  response_body: { truncated: boolean }
}

await suiteWithMongo('records that no server takes as they come', (server) => {
  it('are all stored, the large ones cut and flagged (44)', async () => {
    const database = server.database()
    const { ledger, sink, sent } = await sendAll(server.uri, database)
    const found = await keptInMongo(server.uri, database)
    expect(losses(ledger.compare(found.kept))).toEqual({ ...none, untrue: [saidNothing] })
    expect(sink).toEqual({ accepted: sent, stored: sent, pending: 0, quarantined: 0, dropped: 0 })
    expect(found.runs).toBe(sent)
    await using client = new MongoClient(server.uri)
    const names = new Map(found.kept.map(({ id, call }) => [id, call ?? '']))
    const runs = await client.db(database).collection<{ _id: string }>('llm_runs').find().toArray()
    const { cut, flagged } = cutIn(runs.map((run) => ({ ...run, call: names.get(run._id)! }) as unknown as Run))
    expect({ cut, flagged }).toEqual({ cut: large, flagged: large })
  }, 180_000)
})

const runsIn = (mongo: FakeMongo): Run[] => {
  const names = new Map(keptInFake(mongo).kept.map(({ id, call }) => [id, call ?? '']))
  return [...mongo.collections.get('llm_runs')!.values()].map(
    (run) => ({ ...run, call: names.get(String(run._id))! }) as Run & typeof run,
  )
}

it('are stored by a server that refuses what is too large or too deep, and what is poison to it stands in quarantine (44)', async () => {
  await using mongo = await fakeMongo()
  const poison = (document: { metadata?: { session_id?: string } }): boolean =>
    document.metadata?.session_id === 'keys of operators'
  mongo.fault = (collection) => (collection === 'telemetry' ? { kind: 'refuse', code: 121, when: poison } : null)
  const { ledger, sink, sent } = await sendAll(mongo.uri, 'db')
  const lost = losses(ledger.compare(keptInFake(mongo).kept))
  expect(lost).toEqual({ ...none, untrue: [saidNothing], recordsLost: [expect.stringMatching(/^keys of operators /)] })
  expect(sink).toEqual({ accepted: sent, stored: sent - 1, pending: 0, quarantined: 1, dropped: 0 })
  const { cut, flagged } = cutIn(runsIn(mongo))
  expect({ cut, flagged }).toEqual({ cut: large, flagged: large })
}, 180_000)

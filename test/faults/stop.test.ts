import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { type FaultLink, faultLink } from '../support/fault-link.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, within } from '../support/within.ts'
import { type CallKind, clientCall } from './client-call.ts'
import { keptInFake } from './kept.ts'
import { type KillUpstream, killUpstream } from './kill-upstream.ts'
import { Ledger, losses, none } from './ledger.ts'
import { seeded } from './seeded.ts'

let dataDir: string
let ledger: Ledger
let upstream: KillUpstream
let mongo: FakeMongo
let link: FaultLink
let calls = 0
let arrived = 0

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-stop-'))
  ledger = new Ledger()
  arrived = 0
  upstream = await killUpstream((call) => {
    ledger.arrived(call)
    arrived++
  })
  mongo = await fakeMongo()
  link = await faultLink(mongo.port)
})
afterEach(async () => {
  await upstream[Symbol.asyncDispose]()
  await link[Symbol.asyncDispose]()
  await mongo[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const started = (env: Record<string, string> = {}) =>
  spawnProxy({
    dataDir,
    upstreams: { openai: upstream.port },
    env: { MONGO_URI: `mongodb://127.0.0.1:${link.port}/?directConnection=true`, DB_NAME: 'db', ...env },
    stopMs: 40_000,
  })

/** So many calls at once; resolves when the upstream holds all of them. `ended`: each as its client saw it. */
async function calling(proxy: SpawnedProxy, count: number, kind: CallKind, excused: boolean) {
  const agent = new Agent({ keepAlive: true })
  const before = arrived
  const parts = { port: proxy.port, agent, random: seeded(7), ledger, excused: () => excused }
  const ended = Promise.all(Array.from({ length: count }, () => clientCall(`call-${++calls}`, kind, parts)))
  await eventually('the upstream to have every call', () => arrived - before === count, 20_000)
  return { ended: ended.finally(() => agent.destroy()) }
}

/** What happened, oldest first, as the embedded database keeps it. */
function happened(): string[] {
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT event_type FROM connection_logs ORDER BY place').all()
  database.close()
  return rows.map(({ event_type }) => String(event_type))
}

/** The next start delivers what the last one left. */
async function deliveredByTheNext(calls: number) {
  await using again = await started()
  await eventually('every record in MongoDB', () => keptInFake(mongo).kept.length >= calls, 30_000, 20)
  await again.stop()
  expect(losses(ledger.compare(keptInFake(mongo).kept))).toEqual(none)
}

it('lets 200 streams end after SIGTERM while MongoDB is away, ends with 0, and leaves the rest to the next start (47, C23)', async () => {
  await link.refuse()
  const proxy = await started({ DRAIN_LIMIT: '30s' })
  const { ended } = await calling(proxy, 200, 'held', false)
  const stopped = proxy.stop('SIGTERM')
  await eventually('new connections to be refused', () =>
    fetch(`${proxy.url}/health`).then(
      () => false,
      () => true,
    ),
  )
  upstream.release()
  expect(new Set(await within(30_000, 'the streams to end', ended))).toEqual(new Set(['clean']))
  expect(await stopped).toEqual({ code: 0, signal: null })
  expect(happened()).toContain('application_shutdown')
  await link.accept()
  await deliveredByTheNext(200)
}, 120_000)

it('cuts at the limit what does not end, with a record of each call, while MongoDB gives no answer (47)', async () => {
  const proxy = await started({ DRAIN_LIMIT: '500ms' })
  const first = await calling(proxy, 20, 'json', false)
  await first.ended
  await eventually('the first records in MongoDB', () => keptInFake(mongo).kept.length === 20, 20_000)
  link.down = { hang: true }
  const { ended } = await calling(proxy, 20, 'held', true)
  expect(await proxy.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(new Set(await ended)).toEqual(new Set(['cut']))
  link.down = {}
  await deliveredByTheNext(40)
}, 120_000)

it('ends at once with 1 at the second signal, and still has a record of each call (47, C23)', async () => {
  const proxy = await started({ DRAIN_LIMIT: '600s', DRAIN_DELAY: '600s' })
  link.down = { hang: true }
  const { ended } = await calling(proxy, 200, 'held', true)
  process.kill(proxy.pid, 'SIGTERM')
  await eventually('/ready to say no', async () => (await fetch(`${proxy.url}/ready`)).status === 503)
  await eventually('the second signal to count', () => {
    process.kill(proxy.pid, 'SIGTERM')
    return within(100, 'an end', ended).catch(() => null)
  })
  const from = performance.now()
  expect(await within(20_000, 'the process to end', proxy.exited)).toEqual({ code: 1, signal: null })
  expect(performance.now() - from).toBeLessThan(4_000) // MongoDB alone would be waited for longer
  expect(new Set(await ended)).toEqual(new Set(['cut']))
  link.down = {}
  await deliveredByTheNext(200)
}, 120_000)

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { startDeliverer } from '../src/delivery/deliverer-thread.ts'
import { systemClock } from '../src/lib/clock.ts'
import { documentsOf } from '../src/stores/mongodb/documents.ts'
import { openOutbox } from '../src/stores/sqlite/outbox.ts'
import { mongoServer } from '../test/support/mongo-server.ts'
import { mongoSink } from './mongo-sink.ts'
import { seedCalls } from './seeded-calls.ts'

/**
 * How fast records that waited in the embedded database reach MongoDB, and what that costs:
 * `node scripts/run.mjs bench/delivery.ts [CALLS] [sink|server|all] [ROUNDS]`. The deliverer's thread empties a database of calls
 * with 2 KB bodies into a server that acknowledges and keeps nothing, and into a real one. The CPU is that of this whole process.
 */
const calls = Number(process.argv[2] ?? 40_000)
const where = process.argv[3] ?? 'all'
const rounds = Number(process.argv[4] ?? 3)
const base = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
const seeded = join(base, 'seeded')
const path = join(seeded, 'sightglass.sqlite')

const log = {
  debug() {},
  info() {},
  warn: (message: string, fields?: object) => console.log('warning:', message, fields),
  error: (message: string, fields?: object) => console.log('error:', message, fields),
}

async function measured(work: () => Promise<unknown>): Promise<{ cpuUs: number; wallMs: number }> {
  const before = process.cpuUsage()
  const at = performance.now()
  await work()
  const wallMs = performance.now() - at
  const { user, system } = process.cpuUsage(before)
  return { cpuUs: user + system, wallMs }
}

const line = (name: string, count: number, { cpuUs, wallMs }: { cpuUs: number; wallMs: number }, more = '') =>
  console.log(
    `${name.padEnd(34)} ${Math.round((count / wallMs) * 1_000)
      .toString()
      .padStart(6)} records/s, ${(cpuUs / count).toFixed(1).padStart(6)} µs CPU a record (${Math.round(
      (count / cpuUs) * 1e6,
    )}/s of one core)${more}`,
  )

/** The driver alone: documents that are made already. Says how fast the server is without us. */
async function driverAlone(name: string, uri: string, database: string): Promise<void> {
  const driver = await import('mongodb')
  const outbox = openOutbox({ path, sinks: [{ name: 'x', target: `alone ${uri}` }], clock: systemClock })
  const taken = outbox.next('x', { records: 1_000, bytes: 64 << 20 })
  const documents = taken.map(({ record }) => documentsOf(driver, record))
  outbox.close()
  await using client = new MongoClient(uri)
  const db = client.db(database)
  let ids = 0
  const fresh = <Document extends object>(document: Document): Document => ({ ...document, _id: `alone-${ids++}` })
  const batches = Array.from({ length: Math.ceil(Math.min(calls, 20_000) / 1_000) }, () =>
    documents.map(({ run, telemetry }) => ({ run: fresh(run), telemetry: fresh(telemetry) })),
  )
  const spent = await measured(async () => {
    for (const batch of batches) {
      await db.collection('llm_runs').insertMany(
        batch.map(({ run }) => run),
        { ordered: false },
      )
      await db.collection('telemetry').insertMany(
        batch.map(({ telemetry }) => telemetry),
        { ordered: false },
      )
    }
  })
  line(`${name}, driver alone`, batches.length * 1_000, spent)
}

async function drained(name: string, uri: string, database: string, after: () => Promise<string>): Promise<void> {
  const dataDir = join(base, `${name}-${database}`)
  cpSync(seeded, dataDir, { recursive: true })
  let ended = Promise.resolve()
  const spent = await measured(async () => {
    const deliverer = await startDeliverer({
      dataDir,
      stored: new SharedArrayBuffer(4),
      mongo: {
        uri,
        database,
        pepperId: 'pepper',
        bodiesDays: 0,
        retention: { telemetry: 0, llm_runs: 0, connection_logs: 0, metrics: 0, rollups: 0 },
      },
      csvDirectory: join(dataDir, 'csv'),
      log,
    })
    for (;;) {
      const [sink] = await deliverer.status()
      if (sink?.counters.accepted === calls && sink.counters.pending === 0) break
      await delay(50)
    }
    ended = deliverer.stop(10_000)
  })
  await ended
  line(name, calls, spent, await after())
  rmSync(dataDir, { recursive: true })
}

console.log(`${calls} calls are made ...`)
const { mkdirSync } = await import('node:fs')
mkdirSync(seeded)
await seedCalls(path, calls)
try {
  if (where !== 'server') {
    await using sink = await mongoSink()
    const told = async () => {
      const { documents, bytes, cpuMs } = await sink.counts()
      return `; the sink took ${documents.llm_runs} + ${documents.telemetry} documents and ${documents.rollups ?? 0} totals, ${Math.round(bytes / calls)} bytes a record, in ${Math.round(cpuMs)} ms CPU`
    }
    for (let round = 0; round < rounds; round++) {
      await driverAlone('acknowledging sink', sink.uri, `alone${round}`)
      await sink.counts()
      await drained('acknowledging sink', sink.uri, `round${round}`, told)
    }
  }
  if (where !== 'sink') {
    await using server = await mongoServer()
    for (let round = 0; round < rounds; round++) {
      await driverAlone(server.kind, server.uri, server.database())
      await drained(server.kind, server.uri, server.database(), async () => '')
    }
  }
} finally {
  rmSync(base, { recursive: true })
}

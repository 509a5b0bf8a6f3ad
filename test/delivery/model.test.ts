import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDelivery } from '../../src/delivery/deliver.ts'
import type { Outbox } from '../../src/delivery/outbox.ts'
import { type PurgingSink, Refused, type RollupSink } from '../../src/delivery/sink.ts'
import { isPurged, type Purge } from '../../src/records/purge.ts'
import type { RollupRow } from '../../src/records/rollup.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import type { TelemetryRecord } from '../../src/records/telemetry.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { openOutbox } from '../../src/stores/sqlite/outbox.ts'
import { rollupsIn } from '../support/mongo-store.ts'
import { aRecord } from '../support/records.ts'
import { aDatabase, emptyBatch } from '../support/sqlite-store.ts'
import { VirtualTime } from './virtual-time.ts'

/** What happens to one write. `lost`: stored, but the answer never came. `part`: some of it was stored before it broke. */
const faults = ['fine', 'away', 'lost', 'part', 'hang', 'late', 'whole'] as const
type Fault = (typeof faults)[number]

type Action =
  | { kind: 'store'; records: number; poison: boolean }
  | { kind: 'pass'; ms: number }
  /** The process dies: at once, or between the next write and its settling. */
  | { kind: 'crash'; inSettle: boolean }
  | { kind: 'stop' }
  /** What is named is deleted: by the embedded database in so many small steps now, and the rest when time passes. */
  | { kind: 'purge'; project: boolean; user: boolean; before: number | null; steps: number }
  /** What is older than this part of the records has had its days. */
  | { kind: 'retain'; part: number; only: 'records' | 'words' | 'bodies' }

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      records: fc.integer({ min: 1, max: 9 }),
      poison: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), inSettle: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'stop' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('purge' as const),
      project: fc.boolean(),
      user: fc.boolean(),
      before: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
      steps: fc.integer({ min: 0, max: 30 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('retain' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      only: fc.constantFrom('records', 'words', 'bodies'),
    }),
  },
)

/** A place that keeps each id once, with what the test lets go wrong. */
class Place {
  stored: string[] = []
  readonly totals = new Map<string, RollupRow>()
  readonly #calls = new Map<string, TelemetryRecord>()
  #faults: Fault[]
  #time: VirtualTime
  #poison: ReadonlySet<string>

  constructor(faults: Fault[], time: VirtualTime, poison: ReadonlySet<string>) {
    this.#faults = faults
    this.#time = time
    this.#poison = poison
  }

  sink(): RollupSink & PurgingSink {
    return {
      name: 'far',
      write: (batch, signal) => this.#through(signal, (part) => this.#keep(batch, part)),
      writeRollups: (rows, signal) =>
        this.#through(signal, (part) => {
          for (const row of rows.slice(0, Math.ceil(rows.length * part))) {
            if ((this.totals.get(row.id)?.version ?? -1) <= row.version) this.totals.set(row.id, row)
          }
        }),
      purge: async (purge, signal) => {
        let found: string[] = []
        await this.#through(signal, (part) => {
          found = this.stored.filter((id) => isPurged(this.#calls.get(id)!, purge)).slice(0, part === 1 ? 3 : 1)
          this.stored = this.stored.filter((id) => !found.includes(id))
          if (found.length < 3)
            for (const row of this.totals.values()) if (losesRow(row, purge)) this.totals.delete(row.id)
        })
        return { counts: { records: found.length }, done: found.length < 3 }
      },
      close: async () => {},
    }
  }

  #keep(batch: readonly StoredRecord[], part: number) {
    for (const { telemetry } of batch) this.#calls.set(telemetry._id, telemetry)
    const ids = batch.map(({ telemetry }) => telemetry._id)
    for (const id of ids.slice(0, Math.ceil(ids.length * part))) {
      if (!this.#poison.has(id) && !this.stored.includes(id)) this.stored.push(id)
    }
    const refused = ids.filter((id) => this.#poison.has(id)).map((id) => ({ id, code: '121', message: 'poison' }))
    if (part === 1 && refused.length > 0) throw new Refused('poison', { refused })
  }

  async #through(signal: AbortSignal, keep: (part: number) => void): Promise<void> {
    switch (this.#faults.shift() ?? 'fine') {
      case 'fine':
        return keep(1)
      case 'away':
        throw new Error('ECONNREFUSED')
      case 'whole':
        throw new Error('the server is shutting down')
      case 'lost':
        keep(1)
        throw new Error('ECONNRESET')
      case 'part':
        keep(0.5)
        throw new Error('EPIPE')
      case 'hang':
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      case 'late':
        await this.#time.sleep(25_000)
        return keep(1)
    }
  }
}

/** As docs/retention.md tells it, written down a second time. */
const losesRow = (row: RollupRow, { project, user, beforeMs, boundMs, place }: Purge): boolean =>
  row.version <= place &&
  (project === null || row.project === project) &&
  (user === null || (row.level === 'user_day' && row.owner === user)) &&
  (beforeMs === null || row.startMs + (row.level.endsWith('_day') ? 86_400_000 : 3_600_000) <= boundMs)

it('stores every record exactly once, in order, until it is purged, with counters that add up, whatever fails and whenever it dies', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 25 }),
      fc.array(fc.constantFrom(...faults), { maxLength: 60 }),
      fc.array(fc.double({ min: 0.05, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 10 }),
      check,
    ),
    { numRuns: 200 },
  )
}, 120_000)

async function check(actions: readonly Action[], given: readonly Fault[], randoms: readonly number[]): Promise<void> {
  const { path, directory, local: made } = aDatabase()
  made.close()
  const local = openLocalStore(path, { sinks: ['far'] })
  const time = new VirtualTime()
  const poison = new Set<string>()
  const place = new Place([...given], time, poison)
  const order: string[] = []
  const records: StoredRecord[] = []
  const gone = new Set<string>()
  let draws = 0
  let dieInSettle = false

  const begin = () => {
    const outbox = openOutbox({ path, sinks: [{ name: 'far', target: 'there' }], clock: time })
    const dying: Outbox = {
      ...outbox,
      settle(...args) {
        if (dieInSettle) throw new Error('the process died here')
        outbox.settle(...args)
      },
    }
    const delivery = createDelivery({
      sink: place.sink(),
      outbox: dying,
      log: { info() {}, warn() {}, error() {} },
      clock: time,
      random: () => randoms[draws++ % randoms.length]!,
      sleep: time.sleep,
      grown: (ms, signal) => time.sleep(ms, signal),
      limits: { records: 8, probeRecords: 2, rollups: 7 },
    })
    return { outbox, delivery, run: delivery.run() }
  }
  let process = begin()
  const look = new DatabaseSync(path, { readOnly: true })
  const waiting = look.prepare(
    `SELECT (SELECT count(*) FROM documents WHERE seq > place) AS pending,
       (SELECT count(*) FROM quarantine WHERE sink = name) AS quarantined FROM sinks`,
  )
  const adds = () => {
    const counters = process.outbox.counters('far')
    const { accepted, stored, pending, quarantined, dropped } = counters
    expect(stored + pending + quarantined + dropped).toBe(accepted)
    expect(accepted).toBe(order.length)
    expect({ ...waiting.get() }).toEqual({ pending, quarantined })
    expect(place.stored.length + gone.size).toBeGreaterThanOrEqual(stored)
    return counters
  }
  const atMs = (index: number): number => 1_763_720_000_000 + index * 900_000
  const purge = ({ project, user, before }: Action & { kind: 'purge' }) => {
    const nowMs = atMs(order.length - 1) + 1
    const beforeMs = before === null && (project || user) ? null : Math.round(atMs(order.length * (before ?? 0.5)))
    const wish = { project: project ? 'p1' : null, user: user ? 'u1' : null, beforeMs, dry: false }
    const asked = local.purges.ask(wish, nowMs)
    for (const { telemetry } of records) if (isPurged(telemetry, asked)) gone.add(telemetry._id)
  }
  const purgeOn = (steps: number) => {
    for (let step = 0; step < steps; step++) local.purges.step(time.wall(), 0)
  }

  for (const action of actions) {
    if (action.kind === 'store') {
      const fresh = Array.from({ length: action.records }, (_, index) =>
        aRecord({
          atMs: atMs(order.length),
          metadata: { key_id: `k${index % 3}`, project_id: `p${index % 2}`, user_id: `u${order.length % 3}` },
        }),
      )
      order.push(...fresh.map(({ telemetry }) => telemetry._id))
      records.push(...fresh)
      if (action.poison) poison.add(fresh[0]!.telemetry._id)
      local.commit({ ...emptyBatch, records: fresh })
    } else if (action.kind === 'purge') {
      if (order.length > 0) purge(action)
      purgeOn(action.steps)
    } else if (action.kind === 'retain') {
      const none = { bodies: 0, words: 0, records: 0, rollups: 0, connectionLogs: 0, metrics: 0 }
      local.retention.begin({ ...none, [action.only]: 1 }, atMs(order.length * action.part) + 86_400_000)
      while (local.retention.step());
    } else if (action.kind === 'pass') {
      await time.pass(action.ms)
      purgeOn(10)
    } else {
      if (action.kind === 'stop') {
        process.delivery.stop()
        await time.until(process.run)
      } else {
        dieInSettle = action.inSettle
        if (action.inSettle) await time.pass(5_000)
        process.delivery.cut()
        await time.until(process.run)
        dieInSettle = false
      }
      process.outbox.close()
      process = begin()
    }
    adds()
  }

  while (local.purges.step(time.wall()) !== 'idle');
  const wanted = order.filter((id) => !poison.has(id) && !gone.has(id))
  const totals = () => [...place.totals.values()].map(({ version: _, ...row }) => row).sort(byId)
  const isDone = () => {
    const isPending =
      look.prepare('SELECT 1 FROM purge_parts WHERE done_ms IS NULL AND part = ?').get('far') !== undefined
    return !isPending && process.outbox.counters('far').pending === 0 && totals().length === localTotals(look).length
  }
  for (let minute = 0; minute < 10 || (minute < 60 && !isDone()); minute++) await time.pass(60_000)
  expect(place.stored).toEqual(wanted)
  expect(totals()).toEqual(localTotals(look))
  const { pending, quarantined, stored, dropped } = adds()
  expect({ pending, quarantined }).toEqual({
    pending: 0,
    quarantined: [...poison].filter((id) => !gone.has(id)).length,
  })
  expect(stored).toBeGreaterThanOrEqual(wanted.length)
  expect(dropped).toBeLessThanOrEqual(gone.size)
  look.close()

  process.delivery.cut()
  await time.until(process.run)
  process.outbox.close()
  local.close()
  rmSync(directory, { recursive: true })
}

const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1)

/** The rows of the embedded database, as a sink would have them. */
const localTotals = (database: DatabaseSync): Omit<RollupRow, 'version'>[] =>
  rollupsIn(database)
    .map(({ version: _, ...row }) => row)
    .sort(byId)

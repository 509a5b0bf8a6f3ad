import { rmSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createDelivery } from '../../src/delivery/deliver.ts'
import type { Outbox } from '../../src/delivery/outbox.ts'
import { Refused, type RollupSink } from '../../src/delivery/sink.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { openOutbox } from '../../src/stores/sqlite/outbox.ts'
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
)

/** A place that keeps each id once, with what the test lets go wrong. */
class Place {
  readonly stored: string[] = []
  readonly totals = new Map<string, { version: number; requests: number }>()
  #faults: Fault[]
  #time: VirtualTime
  #poison: ReadonlySet<string>

  constructor(faults: Fault[], time: VirtualTime, poison: ReadonlySet<string>) {
    this.#faults = faults
    this.#time = time
    this.#poison = poison
  }

  sink(): RollupSink {
    return {
      name: 'far',
      write: (batch, signal) => this.#through(signal, (part) => this.#keep(batch, part)),
      writeRollups: (rows, signal) =>
        this.#through(signal, (part) => {
          for (const { id, version, requests } of rows.slice(0, Math.ceil(rows.length * part))) {
            if ((this.totals.get(id)?.version ?? -1) <= version) this.totals.set(id, { version, requests })
          }
        }),
      close: async () => {},
    }
  }

  #keep(batch: readonly StoredRecord[], part: number) {
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

it('stores every record exactly once, in order, with counters that add up, whatever fails and whenever it dies', async () => {
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
  const { path, directory, local } = aDatabase()
  const time = new VirtualTime()
  const poison = new Set<string>()
  const place = new Place([...given], time, poison)
  const order: string[] = []
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
  const adds = () => {
    const counters = process.outbox.counters('far')
    const { accepted, stored, pending, quarantined, dropped } = counters
    expect(stored + pending + quarantined + dropped).toBe(accepted)
    expect(accepted).toBe(order.length)
    expect(place.stored.length).toBeGreaterThanOrEqual(stored)
    return counters
  }

  for (const action of actions) {
    if (action.kind === 'store') {
      const records = Array.from({ length: action.records }, (_, index) =>
        aRecord({ atMs: 1_763_720_000_000 + order.length * 900_000, metadata: { key_id: `k${index % 3}` } }),
      )
      order.push(...records.map(({ telemetry }) => telemetry._id))
      if (action.poison) poison.add(records[0]!.telemetry._id)
      local.commit({ ...emptyBatch, records })
    } else if (action.kind === 'pass') await time.pass(action.ms)
    else {
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

  const requests = () => [...place.totals.values()].reduce((sum, total) => sum + total.requests, 0)
  const isDone = () => process.outbox.counters('far').pending === 0 && requests() === 5 * order.length
  for (let minute = 0; minute < 60 && !isDone(); minute++) await time.pass(60_000)
  const wanted = order.filter((id) => !poison.has(id))
  expect(place.stored).toEqual(wanted)
  expect(adds()).toEqual({
    accepted: order.length,
    stored: wanted.length,
    pending: 0,
    quarantined: poison.size,
    dropped: 0,
  })
  expect(requests()).toBe(5 * order.length)

  process.delivery.cut()
  await time.until(process.run)
  process.outbox.close()
  local.close()
  rmSync(directory, { recursive: true })
}

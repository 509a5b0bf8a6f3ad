import { expect, it } from 'vitest'
import { createDelivery, type DeliveryLimits } from '../../src/delivery/deliver.ts'
import { Refused, type RollupSink } from '../../src/delivery/sink.ts'
import type { SinkState } from '../../src/delivery/sink-status.ts'
import type { RollupRow } from '../../src/records/rollup.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import { VirtualTime } from './virtual-time.ts'

type Answer = (batch: readonly StoredRecord[], signal: AbortSignal) => Promise<void> | void

/** A delivery in virtual time to a sink that answers as the test says. */
function delivering(answer: Answer, limits: Partial<DeliveryLimits> = {}, random = () => 0.5) {
  const time = new VirtualTime()
  const outbox = new MemoryOutbox()
  const batches: { atMs: number; ids: string[] }[] = []
  const totals: { atMs: number; requests: number }[] = []
  const states: SinkState['state'][] = []
  const log: string[] = []
  const checks: number[] = []
  const note = (message: string) => void log.push(message)
  let wake = () => {}
  const start = time.mono()
  const sink = {
    name: 'far',
    async write(batch: readonly StoredRecord[], signal: AbortSignal) {
      batches.push({ atMs: time.mono() - start, ids: batch.map(({ telemetry }) => telemetry._id) })
      await answer(batch, signal)
    },
    async writeRollups(rows: readonly RollupRow[]) {
      totals.push(...rows.map(({ requests }) => ({ atMs: time.mono() - start, requests })))
    },
    async check(signal: AbortSignal) {
      checks.push(time.mono() - start)
      await answer([], signal)
    },
    async close() {},
  } satisfies RollupSink
  const delivery = createDelivery({
    sink,
    outbox,
    log: { info: note, warn: note, error: note },
    clock: time,
    random,
    sleep: time.sleep,
    grown: (ms, signal) => {
      const woken = Promise.withResolvers<void>()
      wake = woken.resolve
      return Promise.race([time.sleep(ms, signal), woken.promise])
    },
    changed: ({ state }) => void states.push(state),
    limits,
  })
  const run = Promise.resolve().then(() => delivery.run()) // the test may add records first
  const ended = async () => {
    delivery.stop()
    await time.until(run)
  }
  return { time, outbox, batches, totals, states, log, checks, delivery, run, ended, start, wake: () => wake() }
}

const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ telemetry }) => telemetry._id)
const flat = (batches: readonly { ids: string[] }[]): string[] => batches.flatMap(({ ids }) => ids)

it('delivers what is there in order, in batches of a size, and then the totals', async () => {
  const { outbox, batches, totals, ended } = delivering(() => {}, { records: 4 })
  const records = outbox.add(10)
  await ended()
  expect(batches.map(({ ids }) => ids.length)).toEqual([4, 4, 2])
  expect(flat(batches)).toEqual(idsOf(records))
  expect(outbox.counters()).toMatchObject({ stored: 10, pending: 0 })
  expect(totals.at(-1)?.requests).toBe(10)
})

it('reads the next batch while the sink works on one, as long as there is more', async () => {
  const working = Promise.withResolvers<void>()
  const { outbox, batches, time, ended } = delivering(() => working.promise, { records: 4 })
  const read: number[] = []
  const looking = Object.assign(outbox, { ahead: (_sink: string, after: number) => void read.push(after) })
  looking.add(6)
  await time.pass(100)
  expect([read, batches.length]).toEqual([[4], 1])
  looking.ahead = () => {
    throw new Error('database is locked')
  }
  working.resolve()
  await ended()
  expect(outbox.counters()).toMatchObject({ stored: 6, pending: 0 })
  expect(read).toEqual([4])
})

it('keeps batches below a number of bytes', async () => {
  const { outbox, batches, ended } = delivering(() => {}, { bytes: 300_000 })
  outbox.bytesOf = () => 120_000
  outbox.add(5)
  await ended()
  expect(batches.map(({ ids }) => ids.length)).toEqual([2, 2, 1])
})

it('lets records gather for a moment once one is there, and finds those it was not told of', async () => {
  const { time, outbox, batches, wake, ended } = delivering(() => {}, { gatherMs: 250, pollMs: 5_000 })
  await time.pass(1_000)
  outbox.add(1)
  wake()
  await time.pass(100)
  outbox.add(2)
  await time.pass(1_000)
  expect(batches.map(({ atMs, ids }) => [atMs, ids.length])).toEqual([[1_250, 3]])
  outbox.add(1)
  await time.pass(10_000)
  expect(batches).toHaveLength(2)
  await ended()
})

it('tries again for ever, with waits that double up to a limit and are any part of that', async () => {
  const parts = [0.999, 0.5, 0, 0.999, 0.999, 0.999, 0.999, 0.999, 0.25]
  let part = 0
  let works = false
  const refuse = () => {
    if (!works) throw new Error('away')
  }
  const { time, outbox, batches, ended, log } = delivering(refuse, {}, () => parts[part++] ?? 0.5)
  outbox.add(1)
  await time.pass(200_000)
  const gaps = batches.slice(1).map(({ atMs }, index) => atMs - batches[index]!.atMs)
  expect(gaps.slice(0, 9)).toEqual([999, 1_000, 0, 7_992, 15_984, 29_970, 29_970, 29_970, 7_500])
  works = true
  await time.pass(40_000)
  expect(outbox.counters()).toMatchObject({ stored: 1, pending: 0 })
  expect(log[0]).toBe('a sink takes nothing; records wait in the embedded database')
  expect(log.at(-1)).toBe('a sink takes records again')
  await ended()
})

it('tries a sink that is away with small batches, and grows again when it is back', async () => {
  let works = false
  const { time, outbox, batches, states, delivery, ended } = delivering(() => {
    if (!works) throw new Error('away')
  })
  const records = outbox.add(3_000)
  expect(delivery.state()).toEqual({ state: 'ok', code: null, since_ms: null })
  await time.pass(120_000)
  expect(batches[0]!.ids).toHaveLength(1_000)
  expect(batches.at(-1)!.ids.length).toBeLessThanOrEqual(10)
  expect(delivery.state()).toEqual({ state: 'down', code: 'Error', since_ms: 1_000_000 })
  works = true
  const before = batches.length
  await time.pass(40_000)
  expect(flat(batches.slice(before))).toEqual(idsOf(records))
  const sizes = batches.slice(before).map(({ ids }) => ids.length)
  expect(sizes[1]).toBe(2 * sizes[0]!)
  expect(Math.max(...sizes)).toBeGreaterThan(500)
  expect([states[0], states.at(-1)]).toEqual(['degraded', 'ok'])
  expect(states).toContain('down')
  await ended()
})

it('does not creep on record by record over a link that breaks with every third message', async () => {
  let messages = 0
  let broken = 20 // for so many it is gone, which makes batches small
  const { outbox, batches, ended, time } = delivering(
    (batch) => {
      // as MongoDB is sent a batch: 50 records at most in two messages
      for (let part = 0; part < batch.length; part += 50) {
        for (const _ of ['runs', 'calls']) if (--broken > 0 || ++messages % 3 === 0) throw new Error('reset')
      }
    },
    {},
    () => 0.5,
  )
  outbox.add(1_000)
  await time.pass(600_000)
  expect(outbox.counters()).toMatchObject({ stored: 1_000, pending: 0 })
  expect(batches.length).toBeLessThan(20 + 100)
  await ended()
})

it('ends an attempt that gives no answer, and tries a smaller batch', async () => {
  const hang: Answer = (batch, signal) =>
    batch.length <= 250
      ? undefined
      : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const { time, outbox, batches, ended } = delivering(hang, { deadlineMs: 10_000 }, () => 0)
  const records = outbox.add(1_000)
  await time.pass(60_000)
  expect(batches.map(({ atMs, ids }) => [atMs, ids.length]).slice(0, 3)).toEqual([
    [0, 1_000],
    [10_000, 500],
    [20_000, 250],
  ])
  expect(outbox.counters()).toMatchObject({ stored: 1_000, pending: 0 })
  expect(new Set(flat(batches))).toEqual(new Set(idsOf(records)))
  await ended()
})

it('takes what was done late for done, and has one attempt at a time', async () => {
  let running = 0
  let most = 0
  const slow: Answer = async () => {
    most = Math.max(most, ++running)
    await time.sleep(25_000)
    running--
  }
  const { time, outbox, batches, ended } = delivering(slow, { deadlineMs: 10_000, abandonMs: 60_000 })
  outbox.add(3)
  await time.pass(30_000)
  expect(outbox.counters()).toMatchObject({ stored: 3, pending: 0 })
  expect([most, batches.length]).toEqual([1, 1])
  await ended()
})

it('leaves an attempt that does not even end when told to, and goes on', async () => {
  let first = true
  const stuck: Answer = () => {
    if (!first) return undefined
    first = false
    return new Promise(() => {})
  }
  const { time, outbox, ended } = delivering(stuck, { deadlineMs: 10_000, abandonMs: 60_000 }, () => 0)
  outbox.add(3)
  await time.pass(69_000)
  expect(outbox.counters()).toMatchObject({ stored: 0, pending: 3 })
  await time.pass(2_000)
  expect(outbox.counters()).toMatchObject({ stored: 3, pending: 0 })
  await ended()
})

it('puts aside the documents that are refused, and nothing else', async () => {
  const { outbox, batches, ended, log } = delivering((batch) => {
    const refused = batch
      .map(({ telemetry }) => telemetry._id)
      .filter((id) => bad.has(id))
      .map((id) => ({ id, code: '121', message: 'failed validation' }))
    if (refused.length > 0) throw new Refused('some', { refused })
  })
  const records = outbox.add(10)
  const bad = new Set([idsOf(records)[3]!, idsOf(records)[7]!])
  await ended()
  expect(outbox.refused).toEqual([
    { place: 4, id: idsOf(records)[3], code: '121', message: 'failed validation' },
    { place: 8, id: idsOf(records)[7], code: '121', message: 'failed validation' },
  ])
  expect(batches).toHaveLength(1)
  expect(outbox.counters()).toEqual({ accepted: 10, stored: 8, pending: 0, quarantined: 2, dropped: 0 })
  expect(log).toEqual(['a sink refused records: they are kept in quarantine'])
})

it('takes a batch apart that is refused as a whole, until the one is found', async () => {
  const taken = new Set<string>()
  const { outbox, batches, ended } = delivering((batch) => {
    if (batch.some(({ telemetry }) => telemetry._id === bad)) throw new Refused('no word why')
    for (const id of idsOf(batch)) taken.add(id)
  })
  const records = outbox.add(1_000)
  const bad = idsOf(records)[700]
  await ended()
  expect(outbox.refused).toEqual([{ place: 701, id: bad, code: 'refused', message: 'no word why' }])
  expect(taken).toEqual(new Set(idsOf(records).filter((id) => id !== bad)))
  expect(batches.length).toBeLessThan(40)
  expect(outbox.counters()).toMatchObject({ stored: 999, pending: 0, quarantined: 1 })
})

it('sends totals only after the records they count, and while records keep coming now and then', async () => {
  const { time, outbox, totals, batches, ended } = delivering(() => time.sleep(100), {
    records: 10,
    rollupsEveryMs: 1_000,
  })
  outbox.add(500)
  await time.pass(10_000)
  for (const { atMs, requests } of totals) {
    const written = flat(batches.filter((batch) => batch.atMs < atMs)).length
    expect(requests).toBeLessThanOrEqual(written)
  }
  expect(totals.length).toBeGreaterThan(3)
  expect(totals.length).toBeLessThan(10)
  expect(totals.at(-1)?.requests).toBe(500)
  await ended()
})

it('sends totals again that did not arrive', async () => {
  const { time, outbox, ended } = delivering(() => {})
  outbox.add(3)
  outbox.settleRollups = (_sink, upTo) => {
    if (outbox.rollupsTaken++ === 0) throw new Error('the database is locked')
    outbox.rollupVersion = upTo
  }
  await time.pass(20_000)
  expect(outbox.rollupVersion).toBe(3)
  expect(outbox.rollupsTaken).toBe(2)
  await ended()
})

it('finds out that a sink is away and back although nothing is to be delivered', async () => {
  let works = false
  const { time, delivery, checks, ended } = delivering(() => {
    if (!works) throw new Error('away')
  })
  await time.pass(100)
  expect([checks.length, delivery.state().state]).toEqual([1, 'degraded'])
  works = true
  await time.pass(2_000)
  expect(delivery.state().state).toBe('ok')
  const before = checks.length
  await time.pass(60_000)
  expect(checks.length - before).toBeGreaterThanOrEqual(3)
  expect(checks.length - before).toBeLessThanOrEqual(6)
  await ended()
})

it('waits for the embedded database as it waits for the sink', async () => {
  const { time, outbox, batches, ended } = delivering(() => {})
  outbox.add(2)
  outbox.broken = new Error('database is locked')
  await time.pass(10_000)
  expect(batches).toEqual([])
  outbox.broken = null
  await time.pass(31_000)
  expect(outbox.counters()).toMatchObject({ stored: 2, pending: 0 })
  await ended()
})

it('delivers at its stop what is there, but does not wait for a sink that is away', async () => {
  const healthy = delivering(() => healthy.time.sleep(10), { records: 10 })
  healthy.outbox.add(95)
  await healthy.ended()
  expect(healthy.outbox.counters()).toMatchObject({ stored: 95, pending: 0 })
  expect(healthy.totals.at(-1)?.requests).toBe(95)

  const away = delivering(() => {
    throw new Error('away')
  })
  away.outbox.add(5)
  await away.time.pass(3_000)
  const before = away.time.mono()
  await away.ended()
  expect(away.time.mono() - before).toBe(0)
  expect(away.outbox.counters()).toMatchObject({ stored: 0, pending: 5 })
})

it('ends at once when it is cut, whatever the sink does', async () => {
  const { time, outbox, delivery, run } = delivering(() => new Promise(() => {}))
  outbox.add(5)
  await time.pass(1_000)
  delivery.cut()
  await time.until(run)
  expect(outbox.counters()).toMatchObject({ stored: 0, pending: 5 })
})

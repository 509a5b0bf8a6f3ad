import { expect, it } from 'vitest'
import { createDelivery } from '../../src/delivery/deliver.ts'
import type { PurgeProgress, PurgingSink } from '../../src/delivery/sink.ts'
import type { Purge } from '../../src/records/purge.ts'
import { aPurge } from '../support/records.ts'
import { MemoryOutbox } from './memory-outbox.ts'
import { VirtualTime } from './virtual-time.ts'

/** A delivery in virtual time to a sink that deletes as the test says. */
function purging(purge: ((purge: Purge, signal: AbortSignal) => Promise<PurgeProgress>) | null) {
  const time = new VirtualTime()
  const outbox = new MemoryOutbox()
  const happened: string[] = []
  const log: string[] = []
  const sink = {
    name: 'far',
    write: async (batch) => void happened.push(`${batch.length} written`),
    close: async () => {},
    ...(purge !== null && {
      async purge(one: Purge, signal: AbortSignal) {
        happened.push(`purge ${one.number}`)
        return purge(one, signal)
      },
    }),
  } as PurgingSink
  const delivery = createDelivery({
    sink,
    outbox,
    log: { info: (message) => log.push(message), warn: (message) => log.push(message), error() {} },
    clock: time,
    random: () => 0.5,
    sleep: time.sleep,
    grown: time.sleep,
  })
  const run = Promise.resolve().then(() => delivery.run())
  const ended = () => {
    delivery.stop()
    return time.until(run)
  }
  return { time, outbox, happened, log, ended, delivery }
}

const all: PurgeProgress = { counts: { records: 1 }, done: true }

it('purges come before records, in their order, step by step', async () => {
  let steps = 0
  const { outbox, happened, ended } = purging(async () => ({ counts: { records: 2 }, done: ++steps % 3 === 0 }))
  outbox.add(4)
  outbox.purges = [aPurge({ number: 1 }), aPurge({ number: 2 })]
  await ended()
  expect(happened).toEqual([...Array(3).fill('purge 1'), ...Array(3).fill('purge 2'), '4 written'])
  expect(outbox.purged).toEqual(Array(6).fill({ records: 2 }))
})

it('a purge that fails is tried again before anything is written', async () => {
  let failures = 3
  const { outbox, happened, time, delivery, ended } = purging(async () => {
    if (failures-- > 0) throw new Error('ECONNREFUSED')
    return all
  })
  outbox.add(1)
  outbox.purges = [aPurge({ number: 1 })]
  await time.pass(500)
  expect(delivery.state().state).toBe('degraded')
  await time.pass(60_000)
  expect(happened).toEqual([...Array(4).fill('purge 1'), '1 written'])
  expect(delivery.state().state).toBe('ok')
  await ended()
})

it('a purge that gets no answer in time is given up and tried again', async () => {
  let hangs = 1
  const { outbox, happened, time, ended } = purging((_purge, signal) => {
    if (hangs-- <= 0) return Promise.resolve(all)
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  outbox.purges = [aPurge({ number: 1 })]
  await time.pass(60_000)
  expect(happened).toEqual(['purge 1', 'purge 1'])
  await ended()
})

it('looks once more, two minutes later, for what a write brought that was given up before', async () => {
  const { outbox, happened, time, ended } = purging(async () => all)
  outbox.purges = [aPurge({ number: 1 })]
  await time.pass(110_000)
  expect(happened).toEqual(['purge 1'])
  await time.pass(20_000)
  expect(happened).toEqual(['purge 1', 'purge 1'])
  await time.pass(600_000)
  expect(happened).toHaveLength(2)
  expect(outbox.purged).toHaveLength(2)
  await ended()
})

it('a dry purge counts once', async () => {
  const { outbox, happened, time, log, ended } = purging(async () => all)
  outbox.purges = [aPurge({ number: 1, dry: true })]
  await time.pass(600_000)
  expect(happened).toEqual(['purge 1'])
  expect(log).toEqual([])
  await ended()
})

it('a sink that cannot delete says so, and goes on', async () => {
  const { outbox, happened, log, ended } = purging(null)
  outbox.add(1)
  outbox.purges = [aPurge({ number: 1 })]
  await ended()
  expect(happened).toEqual(['1 written'])
  expect(log).toEqual(['a sink cannot delete what it has: it keeps it'])
  expect(outbox.purges).toEqual([])
})

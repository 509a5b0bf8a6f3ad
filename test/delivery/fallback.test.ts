import { describe, expect, it } from 'vitest'
import { type ConnectionEvent, createFallbackDelivery, type Fallback } from '../../src/delivery/fallback.ts'
import type { OutboxRecord } from '../../src/delivery/outbox.ts'
import type { SinkState } from '../../src/delivery/sink-status.ts'
import type { Purge } from '../../src/records/purge.ts'
import { aPurge, aRecord } from '../support/records.ts'
import { within } from '../support/within.ts'

const ok: SinkState = { state: 'ok', code: null, since_ms: null }
const degraded: SinkState = { state: 'degraded', code: 'MongoServerSelectionError', since_ms: 1 }
const down: SinkState = { ...degraded, state: 'down' }

describe('the fallback of a sink', () => {
  it('takes nothing while the sink is there, or misses an attempt', async () => {
    const parts = delivery(3)
    parts.beside.changed(degraded)
    parts.beside.changed(ok)
    await parts.end()
    expect(parts.appended).toEqual([])
    expect(parts.events).toEqual([])
    expect(parts.logged).toEqual([])
  })

  it('takes each record once from the moment the sink is away until it is back, and warns once', async () => {
    const parts = delivery(3)
    parts.beside.changed(degraded)
    parts.beside.changed(down)
    await parts.turn()
    parts.grow(2)
    parts.beside.changed(down)
    await parts.turn()
    parts.beside.changed(ok)
    parts.grow(1)
    await parts.end()
    expect(parts.appended).toEqual([1, 2, 3, 4, 5])
    expect(parts.events.map(({ event, status }) => [event, status])).toEqual([
      ['lost', 'error'],
      ['reconnected', 'success'],
    ])
    expect(parts.logged).toEqual([
      'a sink is away: records are also written to CSV files',
      'a sink is back: records are no longer written to CSV files',
    ])
  })

  it('goes on where it was when the directory comes back, and says both once', async () => {
    const parts = delivery(2)
    parts.fail(true)
    parts.beside.changed(down)
    await parts.turn()
    await parts.turn()
    parts.fail(false)
    await parts.turn()
    await parts.end()
    expect(parts.appended).toEqual([1, 2])
    expect(parts.logged).toEqual([
      'a sink is away: records are also written to CSV files',
      'the CSV fallback takes nothing; records still wait for their sink',
      'the CSV fallback takes records again',
    ])
  })

  it('appends at the end what is there, when the sink is still away', async () => {
    const parts = delivery(0)
    parts.beside.changed(down)
    await parts.turn()
    parts.grow(3)
    await parts.end()
    expect(parts.appended).toEqual([1, 2, 3])
  })

  it('deletes what purges are about, in their order, whether or not the sink is there', async () => {
    const parts = delivery(0)
    await parts.turn()
    parts.purges.push(aPurge({ number: 3 }), aPurge({ number: 4, dry: true }))
    await parts.turn()
    parts.beside.changed(down)
    await parts.turn()
    parts.purges.push(aPurge({ number: 5 }))
    await parts.turn()
    expect(parts.settled).toEqual([3, 4, 5].map((number) => [number, { rows: 2 }]))
    await parts.end()
  })

  it('tries a purge again that failed, and warns once', async () => {
    const parts = delivery(0)
    await parts.turn()
    parts.fail(true)
    parts.purges.push(aPurge({ number: 3 }))
    await parts.turn()
    await parts.turn()
    parts.fail(false)
    await parts.turn()
    await parts.end()
    expect(parts.purging).toEqual([3])
    expect(parts.settled).toEqual([[3, { rows: 2 }]])
    expect(parts.logged).toEqual([
      'rows could not be deleted from the CSV fallback; trying again',
      'the CSV fallback deleted what a purge is about',
    ])
  })
})

function delivery(records: number) {
  const waiting: OutboxRecord[] = []
  const appended: number[] = []
  const events: ConnectionEvent[] = []
  const logged: string[] = []
  const purges: Purge[] = []
  const purging: number[] = []
  const settled: unknown[] = []
  let failing = false
  let asleep = Promise.withResolvers<void>()
  let wake = () => {}
  const check = () => {
    if (failing) throw new Error('no such directory')
  }
  const fallback: Fallback = {
    directory: 'telemetry_logs',
    place: () => appended.at(-1) ?? 0,
    append(batch) {
      check()
      appended.push(...batch.map(({ place }) => place))
      return batch.length
    },
    appendEvent(event) {
      check()
      events.push(event)
    },
    async purge({ number }) {
      check()
      purging.push(number)
      await Promise.resolve()
      return { rows: 2 }
    },
  }
  const beside = createFallbackDelivery({
    sink: 'mongodb',
    fallback,
    behind: (place) => waiting.filter((one) => one.place > place).slice(0, 2),
    nextPurge: () => purges[0] ?? null,
    settlePurge({ number }, counts) {
      settled.push([number, counts])
      purges.shift()
    },
    log: { info: (message) => logged.push(message), warn: (message) => logged.push(message) },
    clock: { wall: () => 1 },
    async sleep(ms, signal) {
      if (ms === 0) return
      await new Promise<void>((resolve) => {
        wake = resolve
        signal.addEventListener('abort', () => resolve())
        asleep.resolve()
      })
    },
  })
  const grow = (count: number) => {
    for (let more = 0; more < count; more++)
      waiting.push({ place: waiting.length + 1, id: 'x', record: aRecord(), bytes: 1 })
  }
  grow(records)
  const run = beside.run()
  return {
    beside,
    appended,
    events,
    logged,
    purges,
    purging,
    settled,
    grow,
    fail(now: boolean) {
      failing = now
    },
    /** Lets it work until it waits again. */
    async turn() {
      asleep = Promise.withResolvers()
      wake()
      await within(1_000, 'the fallback to wait', asleep.promise)
    },
    async end() {
      beside.stop()
      await within(1_000, 'the fallback to end', run)
    },
  }
}

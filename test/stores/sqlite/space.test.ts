import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import { aMoment } from '../../support/records.ts'
import { EmbeddedUnderTest } from './under-test.ts'

const mib = 2 ** 20
const body = Buffer.alloc(20_000, 'b')
const words = 'w'.repeat(4_000)

const under = new EmbeddedUnderTest()

let calls = 0
const store = (count: number): void => {
  under.store(
    ...Array.from({ length: count }, () => ({
      atMs: aMoment + calls++,
      responseBytes: body,
      run: { completion: words },
    })),
  )
}
const rows = (from: string): number => under.count(from)
const withBodies = () => rows('documents WHERE response_bytes IS NOT NULL')
const trim = (limit: number) => {
  for (;;) {
    const found = under.local.space.trim(limit)
    if (found !== 'more') return found
  }
}
const giveBack = () => {
  while (under.local.space.giveBack(true));
  under.local.checkpoint()
}

describe('the size limit', () => {
  it('takes nothing while there is room', () => {
    store(100)
    expect(under.local.space.trim(10 * mib)).toBe('fits')
    expect(withBodies()).toBe(100)
  })

  it('takes the oldest bodies, down to nine tenths, and no record as long as bodies will do', () => {
    store(300)
    const limit = 6 * mib
    expect(under.local.space.size().usedBytes).toBeGreaterThan(limit)
    expect(trim(limit)).toBe('fits')
    expect(under.local.space.size().usedBytes).toBeLessThanOrEqual(limit * 0.9)
    expect(under.local.space.size().usedBytes).toBeGreaterThan(limit * 0.8)
    expect(rows('telemetry')).toBe(300)
    const left = withBodies()
    expect(left).toBeGreaterThan(100)
    expect(rows(`documents WHERE response_bytes IS NOT NULL AND seq > ${300 - left}`)).toBe(left)
    expect(under.local.space.counts()).toEqual({ bodies: 300 - left, records: 0 })
  })

  it('takes the oldest records when there are no bodies left', () => {
    store(300)
    const limit = 1.5 * mib
    expect(trim(limit)).toBe('fits')
    expect(withBodies()).toBe(0)
    const left = rows('telemetry')
    expect(left).toBeGreaterThan(50)
    expect(left).toBeLessThan(300)
    expect(rows(`telemetry WHERE seq > ${300 - left}`)).toBe(left)
    expect(rows('rollups')).toBe(5)
  })

  it('makes the file smaller, in small steps', () => {
    store(400)
    under.local.checkpoint()
    const before = statSync(under.path).size
    expect(before).toBeGreaterThan(9 * mib)
    trim(3 * mib)
    under.local.checkpoint()
    expect(statSync(under.path).size).toBeGreaterThanOrEqual(before)
    giveBack()
    expect(statSync(under.path).size).toBeLessThan(3 * mib)
    expect(under.local.space.size().fileBytes).toBe(statSync(under.path).size)
  })

  it('gives back few free pages only where they were made free on purpose', () => {
    store(400)
    trim(8 * mib)
    expect(under.local.space.giveBack(false)).toBe(false)
    expect(under.local.space.giveBack(true)).toBe(true)
  })

  it('takes nothing that a sink has not taken, and says that it is stuck', () => {
    under.reopen({ sinks: ['far'] })
    store(300)
    const outbox = openOutbox({
      path: under.path,
      sinks: [{ name: 'far', target: 'there' }],
      clock: { wall: () => aMoment },
    })
    expect(trim(1 * mib)).toBe('stuck')
    expect([rows('telemetry'), withBodies()]).toEqual([300, 300])
    expect(outbox.counters('far')).toMatchObject({ pending: 300, dropped: 0 })
    outbox.settle('far', outbox.next('far', { records: 250, bytes: 10 ** 8 }).at(-1)!.place, [])
    for (let changed = outbox.changedRollups('far', 50); changed.length > 0; changed = outbox.changedRollups('far', 50))
      outbox.settleRollups('far', changed.at(-1)!.version)
    expect(trim(5.5 * mib)).toBe('fits')
    expect(rows('telemetry')).toBe(300)
    expect(trim(1 * mib)).toBe('stuck')
    expect([rows('telemetry'), withBodies()]).toEqual([50, 50])
    outbox.close()
  })
})

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalStore, StoreDamaged } from '../../../src/pipeline/local-store.ts'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { openPatiently } from '../../../src/stores/sqlite/open-patiently.ts'
import { openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import { setAside } from '../../../src/stores/sqlite/set-aside.ts'
import { troubleOf } from '../../../src/stores/sqlite/trouble.ts'
import { temporaryDir } from '../../journal/support.ts'
import { damagePages, damagePagesWith } from '../../support/damage.ts'
import { aRecord } from '../../support/records.ts'
import { emptyBatch } from '../../support/sqlite-store.ts'

let path: string
let store: LocalStore
let isOpen = false
const moment = Date.UTC(2026, 10, 21, 10, 15, 30)

const open = () => {
  store = openLocalStore(path)
  isOpen = true
}
const close = () => {
  if (isOpen) store.close()
  isOpen = false
}
beforeEach(() => {
  path = join(temporaryDir(), 'sightglass.sqlite')
  open()
})
afterEach(close)

const records = (count: number) =>
  Array.from({ length: count }, (_, number) =>
    aRecord({ run: { completion: `marker-${number} `.padEnd(6_000, 'x') }, requestBytes: null, responseBytes: null }),
  )

/** In the file itself, read by nobody yet. */
function onDisk(count: number) {
  const made = records(count)
  store.commit({ ...emptyBatch, records: made })
  store.checkpoint()
  close()
  return made.map(({ telemetry }) => telemetry._id)
}

const patience = (waits = 0) => {
  const told: unknown[] = []
  return {
    told,
    waiting: (error: unknown) => void told.push(error),
    replaced: (aside: string, error: unknown) => void told.push({ aside, trouble: troubleOf(error) }),
    again: async () => waits-- > 0,
    now: () => moment,
  }
}

describe('an embedded database', () => {
  it('that is no database any more is put aside as it is, and a new one made', async () => {
    close()
    writeFileSync(path, 'no database at all, for longer than a header '.repeat(100))
    const waits = patience()
    const made = await openPatiently(path, () => openLocalStore(path), waits)
    const aside = join(path, '..', 'damaged', '2026-11-21T10-15-30.000Z')
    expect(waits.told).toEqual([{ aside, trouble: 'damaged' }])
    expect(readFileSync(join(aside, 'sightglass.sqlite'), 'utf8')).toContain('no database at all')
    store = made!
    isOpen = true
    store.commit({ ...emptyBatch, records: records(1) })
    expect(store.counters().telemetry).toBe(1)
  })

  it('that is locked is waited for, and left as it is', async () => {
    const other = new DatabaseSync(path)
    other.exec('BEGIN EXCLUSIVE')
    close()
    let attempts = 0
    const begin = () => {
      if (++attempts === 3) other.close()
      const opened = new DatabaseSync(path)
      opened.exec('BEGIN IMMEDIATE')
      return opened
    }
    const waits = patience(10)
    const opened = await openPatiently(path, begin, waits)
    opened?.close()
    expect([attempts, waits.told.length]).toEqual([3, 1])
    expect(troubleOf(waits.told[0])).toBe('away')
    expect(existsSync(join(path, '..', 'damaged'))).toBe(false)
  })

  it('is given up when the waiting is', async () => {
    const locked = Object.assign(new Error('database is locked'), { errcode: 261 })
    const fail = () => {
      throw locked
    }
    expect(await openPatiently(path, fail, patience())).toBeNull()
  })

  it('that is made by a newer program is neither waited for nor put aside', async () => {
    close()
    const other = new DatabaseSync(path)
    other.exec('PRAGMA user_version = 999')
    other.close()
    await expect(openPatiently(path, () => openLocalStore(path), patience(5))).rejects.toThrow('999')
    expect(readdirSync(join(path, '..'))).not.toContain('damaged')
  })

  it('says that it is damaged, whatever it is asked', () => {
    onDisk(50)
    damagePages(path)
    let found: unknown = null
    try {
      open()
      store.commit({ ...emptyBatch, records: records(50) })
    } catch (error) {
      found = error
    }
    expect(troubleOf(found)).toBe('damaged')
  })

  it('throws StoreDamaged from a commit when its pages are damaged while it is open', () => {
    store.commit({ ...emptyBatch, records: records(400) })
    const other = new DatabaseSync(path)
    other.exec("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO meta VALUES ('touched', '1')")
    damagePages(path)
    // a change by somebody else, whose own pages stand in the log: now every connection reads again
    other.exec("UPDATE meta SET value = '2' WHERE name = 'touched'")
    other.close()
    for (let time = 0; time < 2; time++)
      expect(() => store.commit({ ...emptyBatch, records: records(1) })).toThrow(StoreDamaged)
    expect(() => store.counters()).toThrow(StoreDamaged)
  })
})

it('a database that is put aside takes its log along, which the next one would take for its own', () => {
  store.commit({ ...emptyBatch, records: records(3) })
  expect(existsSync(`${path}-wal`)).toBe(true)
  const aside = setAside(path, moment)
  expect(readdirSync(join(path, '..'))).toEqual(['damaged'])
  expect(readdirSync(aside).sort()).toEqual(['sightglass.sqlite', 'sightglass.sqlite-shm', 'sightglass.sqlite-wal'])
  close()
  open()
  expect(store.counters().telemetry).toBe(0)
  close()
  store = openLocalStore(join(aside, 'sightglass.sqlite'))
  isOpen = true
  expect(store.counters().telemetry).toBe(3)
})

describe('the outbox of a database that is damaged in parts', () => {
  it('puts aside what cannot be read, by its id, and gives out all others', () => {
    const ids = onDisk(60)
    expect(damagePagesWith(path, 'marker-20 ')).toBeGreaterThan(0)
    expect(damagePagesWith(path, 'marker-41 ')).toBeGreaterThan(0)
    open()
    const outbox = openOutbox({ path, sinks: [{ name: 'far', target: 'there' }], clock: { wall: () => moment } })
    const got: string[] = []
    for (;;) {
      const batch = outbox.next('far', { records: 7, bytes: 1e9 })
      if (batch.length === 0) break
      got.push(...batch.map(({ record }) => record.telemetry._id))
      outbox.settle('far', batch.at(-1)!.place, [])
    }
    const lost = ids.filter((id) => !got.includes(id))
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.length).toBeLessThan(20)
    expect(lost).toContain(ids[20])
    expect(lost).toContain(ids[41])
    expect(new Set(got).size).toBe(got.length)
    expect(outbox.counters('far')).toEqual({
      accepted: 60,
      stored: 60 - lost.length,
      pending: 0,
      quarantined: lost.length,
      dropped: 0,
    })
    outbox.close()
  })
})

import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { OutboxRecord } from '../../../src/delivery/outbox.ts'
import type { LocalStore } from '../../../src/pipeline/local-store.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { factsOf } from '../../../src/stores/rollups/facts.ts'
import { emptySums, mergeEncodedSums } from '../../../src/stores/rollups/sums.ts'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { type LocalOutbox, openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import { openStore } from '../../../src/stores/sqlite/query.ts'
import { aMoment, aRecord, type RecordOverrides } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

const all = { records: 1_000, bytes: 8 * 1024 * 1024 }
const hour = 3_600_000

let path = ''
let directory = ''
let local: LocalStore
let outbox: LocalOutbox
let wallMs = aMoment

const opened = (target = 'here', ...names: readonly string[]): LocalOutbox =>
  openOutbox({
    path,
    sinks: (names.length === 0 ? ['far'] : names).map((name) => ({ name, target })),
    clock: { wall: () => wallMs },
  })

beforeEach(() => {
  ;({ path, directory, local } = aDatabase())
  wallMs = aMoment
  outbox = opened()
})

afterEach(() => {
  outbox.close()
  local.close()
  rmSync(directory, { recursive: true })
})

const reopen = (target?: string): void => {
  outbox.close()
  outbox = opened(target)
}

const stored = (count: number, overrides: RecordOverrides = {}): StoredRecord[] => {
  const records = Array.from({ length: count }, () => aRecord(overrides))
  local.commit({ ...emptyBatch, records })
  return records
}

const idsOf = (records: readonly (OutboxRecord | StoredRecord)[]): string[] =>
  records.map((one) => ('record' in one ? one.record : one).telemetry._id)

const changes = (sql: string): void => {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

describe('the records of the outbox', () => {
  it('come in the order in which they were stored, as they were stored', () => {
    const records = [...stored(2), ...stored(1, { requestBytes: null, chunkTimes: null, run: { prompt: null } })]
    const next = outbox.next('far', all)
    expect(next.map(({ record }) => ({ ...record, gaps: null }))).toEqual(
      records.map((record) => ({ ...record, gapsMs: [], gaps: null, keptBytes: expect.any(Number) })),
    )
    expect(next.map(({ record }) => factsOf(record))).toEqual(records.map(factsOf))
    expect(next.map(({ place }) => place)).toEqual([...next].map(({ place }) => place).sort((a, b) => a - b))
    for (const { bytes } of next) expect(bytes).toBeGreaterThan(1_000)
  })

  it('come again until they are settled, and after that never', () => {
    const records = stored(3)
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records))
    outbox.settle('far', outbox.next('far', all)[1]!.place, [])
    reopen()
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records.slice(2)))
    const more = stored(1)
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf([records[2]!, ...more]))
  })

  it('come in batches of so many records and bytes, but at least one', () => {
    stored(5, { requestBytes: new Uint8Array(100_000) })
    expect(outbox.next('far', { ...all, records: 2 })).toHaveLength(2)
    expect(outbox.next('far', { ...all, bytes: 350_000 })).toHaveLength(3)
    expect(outbox.next('far', { ...all, bytes: 1 })).toHaveLength(1)
  })

  it('come to each sink at its own pace', () => {
    outbox.close()
    outbox = opened('here', 'far', 'near')
    const records = stored(3)
    outbox.settle('near', outbox.next('near', all)[2]!.place, [])
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records))
    expect(outbox.next('near', all)).toEqual([])
    expect([outbox.counters('far').pending, outbox.counters('near').pending]).toEqual([3, 0])
  })

  it('are put aside when they cannot be read, and the others pass', () => {
    const records = stored(3)
    changes(
      `UPDATE documents SET run = '{torn' WHERE seq IN (SELECT seq FROM telemetry WHERE id = '${idsOf(records)[1]}')`,
    )
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records.slice(0, 1)))
    outbox.settle('far', outbox.next('far', all)[0]!.place, [])
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records.slice(2)))
    expect(outbox.counters('far')).toEqual({ accepted: 3, stored: 1, pending: 1, quarantined: 1, dropped: 0 })
  })

  describe('that were read ahead', () => {
    const few = { ...all, records: 2 }

    it('come when it is their turn, as they were read', () => {
      const records = stored(5)
      const last = outbox.next('far', few)[1]!.place
      outbox.ahead?.('far', last, few)
      changes("UPDATE documents SET prompt = 'changed since'")
      outbox.settle('far', last, [])
      const next = outbox.next('far', few)
      expect(idsOf(next)).toEqual(idsOf(records.slice(2, 4)))
      expect(next.map(({ record }) => record.run.prompt)).toEqual(records.slice(2, 4).map(({ run }) => run.prompt))
      outbox.settle('far', next[1]!.place, [])
      expect(idsOf(outbox.next('far', few))).toEqual(idsOf(records.slice(4)))
    })

    it.each([
      ['the place is another one', 0, few],
      ['a batch may hold another number', 1, all],
    ])('are read again where %s', (_, settled, limits) => {
      const records = stored(5)
      const batch = outbox.next('far', few)
      outbox.ahead?.('far', batch[1]!.place, few)
      outbox.settle('far', batch[settled]!.place, [])
      expect(idsOf(outbox.next('far', limits))).toEqual(idsOf(records.slice(settled + 1)).slice(0, limits.records))
    })

    it('are put aside only when it is their turn, should they not be readable', () => {
      const records = stored(2)
      changes(
        `UPDATE documents SET run = '{torn' WHERE seq IN (SELECT seq FROM telemetry WHERE id = '${idsOf(records)[1]}')`,
      )
      const [first] = outbox.next('far', { ...all, records: 1 })
      expect(() => outbox.ahead?.('far', first!.place, all)).toThrow('cannot be read')
      expect(outbox.counters('far')).toMatchObject({ pending: 2, quarantined: 0 })
      outbox.settle('far', first!.place, [])
      expect(outbox.next('far', all)).toEqual([])
      expect(outbox.counters('far')).toMatchObject({ stored: 1, pending: 0, quarantined: 1 })
    })
  })

  it('are refused as a question for a sink that nobody named', () => {
    expect(() => outbox.next('nobody', all)).toThrow('no sink nobody was named')
    expect(() => outbox.counters('nobody')).toThrow('no sink nobody was named')
  })
})

describe('the counters of the outbox', () => {
  it('add up at every moment', () => {
    expect(outbox.counters('far')).toEqual({ accepted: 0, stored: 0, pending: 0, quarantined: 0, dropped: 0 })
    stored(4)
    expect(outbox.counters('far')).toEqual({ accepted: 4, stored: 0, pending: 4, quarantined: 0, dropped: 0 })
    const next = outbox.next('far', all)
    const bad = next[1]!
    outbox.settle('far', next[2]!.place, [
      { place: bad.place, id: bad.record.telemetry._id, code: '121', message: 'no' },
    ])
    expect(outbox.counters('far')).toEqual({ accepted: 4, stored: 2, pending: 1, quarantined: 1, dropped: 0 })
    reopen()
    expect(outbox.counters('far')).toEqual({ accepted: 4, stored: 2, pending: 1, quarantined: 1, dropped: 0 })
  })

  it('count a batch once that is settled twice', () => {
    stored(2)
    const [one, two] = outbox.next('far', all)
    outbox.settle('far', two!.place, [])
    outbox.settle('far', two!.place, [])
    outbox.settle('far', one!.place, [])
    expect(outbox.counters('far')).toMatchObject({ stored: 2, pending: 0 })
  })

  it('count a record once that the recorder stored twice', () => {
    const [record] = stored(1)
    local.commit({ ...emptyBatch, records: [record!] })
    stored(1)
    outbox.settle('far', outbox.next('far', all).at(-1)!.place, [])
    expect(outbox.counters('far')).toEqual({ accepted: 2, stored: 2, pending: 0, quarantined: 0, dropped: 0 })
  })

  it('take no refusal of something that was not asked', () => {
    stored(1)
    const [one] = outbox.next('far', all)
    const stranger = { place: one!.place + 7, id: 'x', code: '1', message: '' }
    expect(() => outbox.settle('far', one!.place, [stranger])).toThrow(RangeError)
    expect(outbox.counters('far')).toMatchObject({ stored: 0, pending: 1, quarantined: 0 })
  })
})

describe('a sink that is named', () => {
  it('begins with what was stored before', () => {
    const records = stored(2)
    outbox.close()
    outbox = opened('here', 'late')
    expect(idsOf(outbox.next('late', all))).toEqual(idsOf(records))
    expect(outbox.counters('late')).toMatchObject({ accepted: 2, pending: 2 })
  })

  it('begins again when it delivers to another place', () => {
    const records = stored(2)
    outbox.settle('far', outbox.next('far', all)[1]!.place, [])
    reopen('elsewhere')
    expect(idsOf(outbox.next('far', all))).toEqual(idsOf(records))
    expect(outbox.counters('far')).toEqual({ accepted: 2, stored: 0, pending: 2, quarantined: 0, dropped: 0 })
  })

  it('costs nothing before: no row is written anywhere but for records and totals', () => {
    const { path: other, local: alone, remove } = aDatabase()
    alone.commit({ ...emptyBatch, records: [aRecord()] })
    const database = new DatabaseSync(other, { readOnly: true })
    for (const table of ['sinks', 'quarantine'])
      expect(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()).toEqual({ rows: 0 })
    database.close()
    remove()
  })
})

describe('the totals of the outbox', () => {
  const taken = new Map<string, { requests: number; version: number }>()
  beforeEach(() => taken.clear())

  /** Takes everything there is, as a store would that keeps the newest total. */
  const take = (limit: number): number => {
    let pages = 0
    for (;;) {
      const changed = outbox.changedRollups('far', limit)
      if (changed.length === 0) return pages
      pages++
      for (const { row } of changed) {
        const sums = emptySums()
        mergeEncodedSums(sums, row.sums)
        expect(sums.counts.requests).toBe(row.requests)
        const known = taken.get(row.id)
        if (known === undefined || known.version <= row.version)
          taken.set(row.id, { requests: row.requests, version: row.version })
      }
      outbox.settleRollups('far', changed.at(-1)!.version)
    }
  }
  const settleAll = (): void => outbox.settle('far', outbox.next('far', all).at(-1)!.place, [])
  const requestsTaken = (): number => [...taken.values()].reduce((sum, { requests }) => sum + requests, 0)
  const mixed = (count: number): void => {
    for (let call = 0; call < count; call++)
      stored(1, { atMs: aMoment + call * hour, metadata: { project_id: `p${call % 3}`, key_id: `k${call}` } })
  }

  it('come after the records they are made of', () => {
    stored(2)
    expect(outbox.changedRollups('far', 100)).toEqual([])
    settleAll()
    expect(outbox.changedRollups('far', 100).map(({ row }) => [row.level, row.requests])).toEqual([
      ['model_hour', 2],
      ['model_day', 2],
      ['key_hour', 2],
      ['key_day', 2],
      ['user_day', 2],
    ])
  })

  it.each([1, 2, 5, 7, 500])('are all there after taking them %i at a time, also those of before', (limit) => {
    mixed(7)
    outbox.close()
    outbox = opened('here', 'far', 'late')
    settleAll()
    expect(take(limit)).toBeGreaterThan(0)
    expect(requestsTaken()).toBe(7 * 5)
    mixed(4)
    settleAll()
    take(limit)
    expect(requestsTaken()).toBe(11 * 5)
    expect(outbox.changedRollups('far', limit)).toEqual([])
  })

  it('come again until they are settled, also after a restart', () => {
    mixed(3)
    settleAll()
    take(100)
    mixed(1)
    settleAll()
    const changed = outbox.changedRollups('far', 100)
    expect(outbox.changedRollups('far', 100)).toEqual(changed)
    reopen()
    expect(outbox.changedRollups('far', 100)).toEqual(changed)
    outbox.settleRollups('far', changed.at(-1)!.version)
    reopen()
    expect(outbox.changedRollups('far', 100)).toEqual([])
  })

  it('that were there when a sink was named come all of them, also of records that are gone', () => {
    stored(3)
    changes('DELETE FROM documents; DELETE FROM telemetry')
    outbox.close()
    outbox = opened('elsewhere')
    expect(outbox.counters('far')).toEqual({ accepted: 0, stored: 0, pending: 0, quarantined: 0, dropped: 0 })
    take(2)
    expect(requestsTaken()).toBe(3 * 5)
  })

  it('that are gone stop nobody', () => {
    mixed(2)
    settleAll()
    take(100)
    stored(2)
    settleAll()
    changes('DELETE FROM rollups')
    expect(outbox.changedRollups('far', 100)).toEqual([])
    stored(1, { atMs: aMoment + 9 * hour })
    settleAll()
    expect(outbox.changedRollups('far', 100)).toHaveLength(5)
  })

  it('carry a version that grows with every change', () => {
    stored(1)
    settleAll()
    const before = outbox.changedRollups('far', 100).map(({ row }) => row)
    stored(1)
    settleAll()
    const after = outbox.changedRollups('far', 100).map(({ row }) => row)
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id))
    for (const [index, row] of after.entries()) expect(row.version).toBeGreaterThan(before[index]!.version)
  })
})

describe('what is delivered', () => {
  it('goes after its time, never what waits or is in quarantine; sums and records of other times stay', async () => {
    outbox.close()
    outbox = opened('here', 'far', 'near')
    const records = [...stored(3), ...stored(1, { atMs: aMoment + hour }), ...stored(1)]
    const next = outbox.next('far', all)
    const bad = { place: next[1]!.place, id: idsOf(records)[1]!, code: '2', message: 'poison' }
    outbox.settle('far', next[4]!.place, [bad])
    outbox.settle('near', next[3]!.place, [])
    wallMs = aMoment + hour - 1
    expect(outbox.forgetDelivered(['far', 'near'], hour)).toBe(0)
    wallMs = aMoment + hour + 1
    expect(outbox.forgetDelivered(['far', 'near'], hour)).toBe(2)
    expect(outbox.forgetDelivered(['far', 'near'], hour)).toBe(0)
    const store = openStore(path)
    const page = await store.runs(null, { limit: 10 })
    expect(idsOf(page.items as never).sort()).toEqual(idsOf([records[1]!, records[3]!, records[4]!]).sort())
    expect(await store.run(null, idsOf(records)[0]!)).toBeNull()
    expect((await store.usage(null, { groupBy: [] })).totals.requests).toBe(5)
    const cut = await store.usage(null, { groupBy: [], fromMs: aMoment - 1, toMs: aMoment + 1 })
    expect(cut.totals.requests).toBe(4)
    await store.close()
    wallMs = aMoment + 3 * hour
    expect(outbox.forgetDelivered(['far', 'near'], hour)).toBe(1)
    expect(outbox.counters('far')).toEqual({ accepted: 5, stored: 4, pending: 0, quarantined: 1, dropped: 0 })
  })

  it('stays while no sink is named', () => {
    stored(1)
    outbox.settle('far', outbox.next('far', all)[0]!.place, [])
    expect(outbox.forgetDelivered([], -hour)).toBe(0)
  })
})

it('delivers while the recorder writes, each with its own connection', () => {
  const writer = local
  local = openLocalStore(path)
  const ids: string[] = []
  for (let round = 0; round < 20; round++) {
    const records = [aRecord(), aRecord()]
    writer.commit({ ...emptyBatch, records })
    ids.push(...idsOf(records))
    const next = outbox.next('far', all)
    expect(idsOf(next)).toEqual(idsOf(records))
    outbox.settle('far', next.at(-1)!.place, [])
  }
  writer.close()
  expect(outbox.counters('far')).toMatchObject({ accepted: ids.length, stored: ids.length, pending: 0 })
})

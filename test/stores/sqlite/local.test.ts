import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalBatch, LocalStore } from '../../../src/pipeline/local-store.ts'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { SchemaTooNew, schemaVersion } from '../../../src/stores/sqlite/schema.ts'
import { aRecord } from '../../support/records.ts'

let directory = ''
let path = ''
let store: LocalStore

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sightglass-local-'))
  path = join(directory, 'sightglass.sqlite')
  store = openLocalStore(path)
})

afterEach(() => {
  store.close()
  rmSync(directory, { recursive: true })
})

const nothing: LocalBatch = {
  records: [],
  positions: [],
  finishedEpochs: [],
  applied: [],
  settled: [],
  carry: [],
  uncarry: [],
}

const reopen = (): void => {
  store.close()
  store = openLocalStore(path)
}

const rollupRequests = (): number => {
  const database = new DatabaseSync(path, { readOnly: true })
  const row = database.prepare('SELECT sum(requests) AS requests FROM rollups WHERE level = 1').get()
  database.close()
  return Number(row?.requests ?? 0)
}

describe('the local store', () => {
  it('keeps its instance id for ever', () => {
    const { instance } = store
    reopen()
    expect(store.instance).toBe(instance)
    expect(instance).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('is readable for its owner alone', () => {
    store.commit({ ...nothing, records: [aRecord()] })
    for (const name of ['', '-wal', '-shm']) expect(statSync(path + name).mode & 0o777).toBe(0o600)
  })

  it('counts a record that comes twice once, in one batch, in two, and after a restart', () => {
    const record = aRecord()
    store.commit({ ...nothing, records: [record, record] })
    store.commit({ ...nothing, records: [record] })
    reopen()
    store.commit({ ...nothing, records: [record, aRecord()] })
    expect(store.counters()).toEqual({ telemetry: 2, runs: 2 })
    expect(rollupRequests()).toBe(2)
  })

  it('moves records, rollups and position together or not at all', () => {
    const good = aRecord()
    const bad = { ...aRecord(), chunkTimes: 'no bytes' as unknown as Uint8Array }
    const twin = aRecord()
    store.commit({ ...nothing, records: [good], positions: [{ epoch: 'a', segment: 1, offset: 10 }] })
    expect(() =>
      store.commit({
        ...nothing,
        records: [twin, { ...bad, telemetry: { ...bad.telemetry, timestamp_ms: 'x' as unknown as number } }],
        positions: [{ epoch: 'a', segment: 2, offset: 20 }],
      }),
    ).toThrow()
    expect(store.counters().telemetry).toBe(1)
    expect(rollupRequests()).toBe(1)
    expect(store.journalState().positions).toEqual([{ epoch: 'a', segment: 1, offset: 10 }])
    store.commit({ ...nothing, records: [twin] })
    expect(rollupRequests()).toBe(2)
  })

  it('remembers positions, applied ids and carried frames, and forgets what is settled', () => {
    store.commit({
      ...nothing,
      positions: [{ epoch: 'a', segment: 3, offset: 99 }],
      applied: [
        { epoch: 'a', exchange: 7, id: 'one' },
        { epoch: 'a', exchange: 8, id: 'two' },
      ],
      carry: [
        { epoch: 'a', exchange: 5, frame: Uint8Array.of(1, 2) },
        { epoch: 'a', exchange: 5, frame: new Uint8Array(0) },
        { epoch: 'a', exchange: 6, frame: Uint8Array.of(3) },
      ],
    })
    reopen()
    const frames = store.carried('a')
    expect(frames.map(({ exchange }) => exchange)).toEqual([5, 5, 6])
    expect(frames.map(({ rowId }) => [...store.carriedFrame(rowId)])).toEqual([[1, 2], [], [3]])
    store.commit({ ...nothing, settled: ['one'], uncarry: [{ epoch: 'a', exchange: 5 }] })
    expect(store.journalState().applied).toEqual([{ epoch: 'a', exchange: 8, id: 'two' }])
    expect(store.carried('a').map(({ exchange }) => exchange)).toEqual([6])
    store.commit({ ...nothing, finishedEpochs: ['a'] })
    expect(store.journalState()).toEqual({ positions: [], applied: [], finishedEpochs: ['a'] })
    expect(store.carried('a')).toEqual([])
  })

  it('empties the write-ahead log at a checkpoint and goes on', () => {
    store.commit({ ...nothing, records: [aRecord()] })
    store.checkpoint()
    expect(statSync(`${path}-wal`).size).toBe(0)
    store.commit({ ...nothing, records: [aRecord()] })
    expect(store.counters().telemetry).toBe(2)
  })

  it('refuses a file of a newer program and leaves it as it is', () => {
    store.close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    const open = () => openLocalStore(path)
    expect(open).toThrow(SchemaTooNew)
    expect(open).toThrow(`${path} has schema version 99, this program knows versions up to ${schemaVersion}`)
    const back = new DatabaseSync(path)
    back.exec(`PRAGMA user_version = ${schemaVersion}`)
    back.close()
    store = openLocalStore(path)
  })

  it('names the path that cannot be written', () => {
    const lost = join(directory, 'missing', 'sightglass.sqlite')
    expect(() => openLocalStore(lost)).toThrow(`${lost} cannot be written`)
  })
})

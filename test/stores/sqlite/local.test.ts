import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalStore } from '../../../src/pipeline/local-store.ts'
import { StoreUnusable } from '../../../src/stores/sqlite/database.ts'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { openStore } from '../../../src/stores/sqlite/query.ts'
import { SchemaTooNew, schemaVersion } from '../../../src/stores/sqlite/schema.ts'
import { aRecord } from '../../support/records.ts'
import { emptyBatch } from '../../support/sqlite-store.ts'

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
    store.commit({ ...emptyBatch, records: [aRecord()] })
    for (const name of ['', '-wal', '-shm']) expect(statSync(path + name).mode & 0o777).toBe(0o600)
  })

  it('counts a record that comes twice once, in one batch, in two, and after a restart', () => {
    const record = aRecord()
    store.commit({ ...emptyBatch, records: [record, record] })
    store.commit({ ...emptyBatch, records: [record] })
    reopen()
    store.commit({ ...emptyBatch, records: [record, aRecord()] })
    expect(store.counters()).toEqual({ telemetry: 2, runs: 2 })
    expect(rollupRequests()).toBe(2)
  })

  it('moves records, rollups and position together or not at all', () => {
    const good = aRecord()
    const bad = aRecord({ metadata: { cost_picodollars: 'a lot' } })
    const twin = aRecord()
    store.commit({ ...emptyBatch, records: [good], positions: [{ epoch: 'a', segment: 1, offset: 10 }] })
    expect(() =>
      store.commit({
        ...emptyBatch,
        records: [twin, bad],
        positions: [{ epoch: 'a', segment: 2, offset: 20 }],
      }),
    ).toThrow()
    expect(store.counters().telemetry).toBe(1)
    expect(rollupRequests()).toBe(1)
    expect(store.journalState().positions).toEqual([{ epoch: 'a', segment: 1, offset: 10 }])
    store.commit({ ...emptyBatch, records: [twin] })
    expect(rollupRequests()).toBe(2)
  })

  it('remembers positions, applied ids and carried frames, and forgets what is settled', () => {
    store.commit({
      ...emptyBatch,
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
    store.commit({ ...emptyBatch, settled: ['one'], uncarry: [{ epoch: 'a', exchange: 5 }] })
    expect(store.journalState().applied).toEqual([{ epoch: 'a', exchange: 8, id: 'two' }])
    expect(store.carried('a').map(({ exchange }) => exchange)).toEqual([6])
    store.commit({ ...emptyBatch, finishedEpochs: ['a'] })
    expect(store.journalState()).toEqual({ positions: [], applied: [], finishedEpochs: ['a'] })
    expect(store.carried('a')).toEqual([])
  })

  it('empties the write-ahead log at a checkpoint and goes on', () => {
    store.commit({ ...emptyBatch, records: [aRecord()] })
    store.checkpoint()
    expect(statSync(`${path}-wal`).size).toBe(0)
    store.commit({ ...emptyBatch, records: [aRecord()] })
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

  it('names the path that cannot be used: no directory, a directory in its place, no database', () => {
    const lost = join(directory, 'missing', 'sightglass.sqlite')
    expect(() => openLocalStore(lost)).toThrow(`${lost} cannot be written: `)
    expect(() => openLocalStore(directory)).toThrow(`${directory} cannot be written: `)
    const letter = join(directory, 'letter.sqlite')
    writeFileSync(letter, 'Dear reader, this is no database. '.repeat(100))
    expect(() => openLocalStore(letter)).toThrow(`${letter} cannot be written: file is not a database`)
    expect(() => openStore(letter)).toThrow(StoreUnusable)
    expect(() => openStore(lost)).toThrow(`${lost} does not exist yet`)
  })

  it('can be read after its writer has gone', async () => {
    store.commit({ ...emptyBatch, records: [aRecord()] })
    store.close()
    const reader = openStore(path)
    expect((await reader.status()).counts.telemetry).toBe(1)
    await reader.close()
    store = openLocalStore(path)
  })

  it('has records, rollups and position in step after its writer was killed in the middle of its work', async () => {
    store.close()
    const source = `
      const { openLocalStore } = await import(${JSON.stringify(new URL('../../../src/stores/sqlite/local.ts', import.meta.url).href)})
      const { aRecord } = await import(${JSON.stringify(new URL('../../support/records.ts', import.meta.url).href)})
      const store = openLocalStore(${JSON.stringify(path)})
      for (let offset = 1; ; offset++) {
        store.commit({
          ...${JSON.stringify(emptyBatch)},
          records: [aRecord(), aRecord()],
          positions: [{ epoch: 'a', segment: 1, offset }],
        })
        if (offset === 20) process.send('working')
      }`
    const writer = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', source],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    )
    await once(writer, 'message')
    const ended = once(writer, 'exit')
    writer.kill('SIGKILL')
    await ended
    store = openLocalStore(path)
    const offset = store.journalState().positions[0]?.offset ?? 0
    expect(offset).toBeGreaterThanOrEqual(20)
    expect(store.counters().telemetry).toBe(2 * offset)
    expect(rollupRequests()).toBe(2 * offset)
  })

  it('lets others work between the records of a batch', () => {
    store.close()
    let pauses = 0
    store = openLocalStore(path, { pause: () => pauses++ })
    store.commit({ ...emptyBatch, records: [aRecord(), aRecord(), aRecord()] })
    expect(pauses).toBe(4) // before each record, and before the sums
    expect(store.counters().telemetry).toBe(3)
  })
})

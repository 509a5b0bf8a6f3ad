import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { damagePages } from '../support/damage.ts'
import { fakeMongo } from '../support/fake-mongo.ts'
import { type SpawnedProxy, type SpawnOptions, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause, within } from '../support/within.ts'
import { delivered, healthOf } from './health.ts'
import { keptInDatabase, keptInFake } from './kept.ts'
import { losses, none } from './ledger.ts'
import { type Traffic, traffic } from './traffic.ts'

let dataDir: string
let calls: Traffic
const file = () => join(dataDir, 'sightglass.sqlite')

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-file-'))
  calls = await traffic()
})
afterEach(async () => {
  await calls[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const started = (options: SpawnOptions = {}) =>
  spawnProxy({ dataDir, upstreams: { openai: calls.upstream.port }, ...options })
const some = (proxy: SpawnedProxy, ms = 700) => calls.load(proxy.port, 12, () => pause(ms))

/** Nothing that clients or upstream saw is missing, and nothing is there twice. */
async function allStored(proxy: SpawnedProxy) {
  await delivered(proxy.url, 60_000)
  const { kept, counted } = keptInDatabase(dataDir)
  expect(losses(calls.ledger.compare(kept))).toEqual(none)
  expect(counted).toBe(kept.length)
}

/** Another process that holds the database for itself, with mode EXCLUSIVE so that nobody else can even read it. */
async function lockedByAnother(mode: 'NORMAL' | 'EXCLUSIVE'): Promise<{ letGo(): Promise<void> }> {
  const script = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(file())})
    database.exec('PRAGMA busy_timeout = 10000; PRAGMA locking_mode = ${mode}; BEGIN EXCLUSIVE')
    process.stdout.write('held')
    process.stdin.on('end', () => process.exit()).resume()`
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', script])
  const ended = once(child, 'close')
  await within(15_000, 'another process to hold the database', once(child.stdout, 'data'))
  return {
    async letGo() {
      child.stdin.end()
      await within(5_000, 'the other process to end', ended)
    },
  }
}

it('answers every call while another process holds the database, and stores all of them afterwards (52)', async () => {
  await using proxy = await started()
  await some(proxy)
  const other = await lockedByAnother('NORMAL')
  await some(proxy, 1_500)
  const { records } = await healthOf(proxy.url)
  expect(records.pending).toBeGreaterThan(20)
  expect(records.dropped).toBe(0)
  await other.letGo()
  await some(proxy)
  await allStored(proxy)
}, 120_000)

it('starts, serves and keeps all calls while another process holds the database at the start (52)', async () => {
  const before = await started()
  await some(before)
  await before.stop()
  const other = await lockedByAnother('EXCLUSIVE')
  const proxy = await started({ startMs: 30_000 })
  await some(proxy)
  expect(proxy.output()).toContain('the embedded database cannot be opened')
  const health = await healthOf(proxy.url)
  expect([health.services.store?.state, health.records.stored]).toEqual(['down', 0])
  await other.letGo()
  await some(proxy)
  await allStored(proxy)
  expect((await healthOf(proxy.url)).status).toBe('ok')
  await proxy.stop()
}, 120_000)

it('ends in order while the database is held, and the next start stores what was not (52)', async () => {
  const before = await started()
  await some(before)
  await before.stop()
  const other = await lockedByAnother('EXCLUSIVE')
  const proxy = await started({ startMs: 30_000 })
  await some(proxy)
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  await other.letGo()
  await using again = await started()
  await allStored(again)
}, 120_000)

const nobody = 65_534
const isRoot = process.getuid?.() === 0

it('starts, serves and keeps all calls while the database cannot be written, and stores them once it can (52)', async () => {
  const before = await started()
  await some(before)
  await before.stop()
  // for whom rights do not count, the process is somebody else's
  if (isRoot) for (const path of pathsIn(dataDir)) chownSync(path, nobody, nobody)
  if (isRoot) chownSync(file(), 0, 0)
  chmodSync(file(), 0o444)
  const proxy = await started({ startMs: 30_000, ...(isRoot && { user: nobody }) })
  await some(proxy)
  expect(proxy.output()).toContain('the embedded database cannot be opened')
  if (isRoot) chownSync(file(), nobody, nobody)
  chmodSync(file(), 0o600)
  await some(proxy)
  await allStored(proxy)
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
}, 120_000)

const pathsIn = (directory: string): string[] => [
  directory,
  ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
]

it('puts a damaged database aside at the start, says where, and records what the journal holds and what comes (52, 49)', async () => {
  const before = await started()
  await some(before)
  await before.stop('SIGKILL')
  const other = new DatabaseSync(file())
  other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  other.close()
  damagePages(file())
  const proxy = await started()
  await some(proxy)
  await delivered(proxy.url, 60_000)
  const { kept, counted } = keptInDatabase(dataDir)
  // the journal of the killed process was still there: of its calls too nothing is lost
  expect(losses(calls.ledger.compare(kept))).toEqual(none)
  expect(counted).toBe(kept.length)
  expect(proxy.output()).toMatch(/"aside":"[^"]*\/damaged\/.*the embedded database is damaged: it was put aside/)
  expect(readdirSync(join(dataDir, 'damaged'))).toHaveLength(1)
  expect((await healthOf(proxy.url)).status).toBe('ok')
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
}, 120_000)

it('puts a database aside that is damaged while it runs, and has every call of its journal, in MongoDB too, once (52)', async () => {
  await using mongo = await fakeMongo()
  const proxy = await started({ env: { MONGO_URI: mongo.uri, DB_NAME: 'db' } })
  await some(proxy)
  await delivered(proxy.url)
  const other = new DatabaseSync(file(), { timeout: 10_000 }) // the proxy's own threads write now and then
  other.exec("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO meta VALUES ('touched', '1')")
  damagePages(file())
  // a change by somebody else, whose own pages stand in the log: now every connection reads again
  other.exec("UPDATE meta SET value = '2' WHERE name = 'touched'")
  other.close()
  await calls.load(proxy.port, 12, () =>
    eventually('the file to be put aside', () => existsSync(join(dataDir, 'damaged')), 30_000),
  )
  await some(proxy)
  const health = await delivered(proxy.url, 60_000)
  expect(health.status).toBe('ok')
  expect(health.records).toMatchObject({ pending: 0, quarantined: 0, dropped: 0 })
  const { kept, counted } = keptInDatabase(dataDir)
  expect(losses(calls.ledger.compare(kept))).toEqual(none)
  expect(counted).toBe(kept.length)
  expect(losses(calls.ledger.compare(keptInFake(mongo).kept))).toEqual(none)
  expect(proxy.output()).toMatch(/the embedded database is damaged: it was put aside/)
  expect(readdirSync(join(dataDir, 'damaged'))).toHaveLength(1)
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
}, 120_000)

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type RecorderHandle, startRecorder } from '../../src/pipeline/recorder-thread.ts'
import { temporaryDir } from '../journal/support.ts'
import { eventually } from '../support/within.ts'
import { call } from './support.ts'

const noLog = { debug() {}, info() {}, warn() {}, error() {} }

async function running(
  dataDir: string,
  { journalLimitBytes = 10 ** 10, ...options }: { entry?: URL; silenceMs?: number; journalLimitBytes?: number } = {},
) {
  const wake = new Int32Array(new SharedArrayBuffer(4))
  const journal = openJournal({
    dir: join(dataDir, 'journal'),
    clock: systemClock,
    segmentBytes: 1024 * 1024,
    wake: () => {
      Atomics.add(wake, 0, 1)
      Atomics.notify(wake, 0)
    },
  })
  const recorder = await startRecorder({
    dataDir,
    liveEpochs: [journal.epoch],
    wake: wake.buffer,
    pepper: 'pepper',
    bodyLimitBytes: 1024 * 1024,
    pricesFile: null,
    projectNames: {},
    upkeep: {
      days: { bodies: 0, words: 0, records: 0, rollups: 0, connectionLogs: 0, metrics: 0 },
      databaseLimitBytes: null,
      journalLimitBytes,
      sinks: [],
      csvDirectory: join(dataDir, 'telemetry_logs'),
    },
    log: noLog,
    restartMs: 5,
    ...options,
  })
  onTestFinished(() => recorder.stop(5_000))
  return { journal, recorder }
}

async function stored(recorder: RecorderHandle, wanted: number) {
  const until = performance.now() + 10_000
  for (;;) {
    const status = await recorder.status()
    if (status.stored >= wanted) return status
    if (performance.now() > until) throw new Error(`${status.stored} of ${wanted} records were stored in time`)
    await turn()
  }
}

/** Threads of this process whose priority is lowered. */
const givingWay = (): number =>
  readdirSync('/proc/self/task').filter((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]) > 0
  }).length

it.runIf(process.platform === 'linux')(
  'gives way to the thread that serves until it is far behind, and stores each call once all the same',
  async () => {
    const dataDir = temporaryDir()
    const before = givingWay()
    const { journal, recorder } = await running(dataDir, { journalLimitBytes: 256 * 1024 * 1024 })
    expect(givingWay()).toBe(before + 1)
    const ids = [await call(journal, '{}', '{}')]
    await stored(recorder, 1)
    const holder = new DatabaseSync(join(dataDir, 'sightglass.sqlite'))
    holder.exec('BEGIN IMMEDIATE') // nothing is stored, and soon nothing more is read
    await eventually(
      'the recorder to take its share',
      async () => {
        ids.push(await call(journal, 'x'.repeat(400_000), '{}'))
        return givingWay() === before
      },
      40_000,
      60,
    )
    holder.exec('ROLLBACK')
    holder.close()
    await stored(recorder, ids.length)
    expect(idsIn(dataDir).sort()).toEqual(ids.sort())
    await journal.end()
  },
  60_000,
)

it('writes purges down in the order in which they are asked for, and stores no call of before them', async () => {
  const dataDir = temporaryDir()
  const { journal, recorder } = await running(dataDir)
  const wish = { project: null, user: null, beforeMs: null, dry: false }
  await call(journal, '{}', '{}')
  await stored(recorder, 1)
  const [dry, real] = await Promise.all([recorder.purge({ ...wish, project: 'x', dry: true }), recorder.purge(wish)])
  expect([dry.number, dry.dry, real.number, real.dry]).toEqual([1, true, 2, false])
  await eventually('the call to go', () => idsIn(dataDir).length === 0)
  await call(journal, '{}', '{}') // by its clock it began long ago
  const status = await eventually('the call to be passed over', async () => {
    const now = await recorder.status()
    return now.purged === 1 ? now : null
  })
  expect(status).toMatchObject({ accepted: 2, stored: 1, purged: 1, pending: 0, failed: 0 })
  expect(idsIn(dataDir)).toEqual([])
  await recorder.stop(5_000)
  await expect(recorder.purge(wish)).rejects.toThrow('being started again')
})

const idsIn = (dataDir: string): string[] => {
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT id FROM telemetry ORDER BY id').all()
  database.close()
  return rows.map((row) => String(row.id))
}

it('stores calls in the embedded database as they are made, and drains before it stops', async () => {
  const dataDir = temporaryDir()
  const { journal, recorder } = await running(dataDir)
  const ids = [await call(journal, '{}', '{}'), await call(journal, '{}', '{}')]
  await stored(recorder, 2)
  expect(idsIn(dataDir)).toEqual(ids)
  ids.push(await call(journal, '{}', '{}'))
  await journal.end()
  await recorder.stop(10_000)
  expect(idsIn(dataDir)).toEqual(ids)
  expect(await recorder.status()).toMatchObject({ accepted: 3, acceptedLive: 3, stored: 3, pending: 0, failed: 0 })
})

const dying = new URL('dying-recorder.ts', import.meta.url)

it('starts again after each death, stores the call that killed it raw, and counts all of them once', async () => {
  const dataDir = temporaryDir()
  const { journal, recorder } = await running(dataDir, { entry: dying })
  const deaths: Error[] = []
  recorder.onDeath((error) => deaths.push(error))
  const ids = [await call(journal, 'fine', 'a')]
  await stored(recorder, 1)
  ids.push(await call(journal, 'poison', 'a'), await call(journal, 'fine', 'a'))
  const status = await stored(recorder, 3)
  expect(status).toMatchObject({ accepted: 3, acceptedLive: 3, stored: 3, storedRaw: 1, pending: 0, failed: 0 })
  expect(deaths).toHaveLength(3)
  expect(idsIn(dataDir)).toEqual(ids)
  ids.push(await call(journal, 'fine', 'a'))
  await stored(recorder, 4)
  expect(recorder.alive()).toBe(true)
})

it('ends a thread that does not answer, and goes on behind the call it hung on', async () => {
  const dataDir = temporaryDir()
  const { journal, recorder } = await running(dataDir, { entry: dying, silenceMs: 300 })
  const ids = [await call(journal, 'tar', 'a'), await call(journal, 'fine', 'a')]
  const status = await stored(recorder, 2)
  expect(status).toMatchObject({ stored: 2, storedRaw: 1 })
  expect(idsIn(dataDir)).toEqual(ids)
})

it('says why it cannot start', async () => {
  await expect(
    running(join(temporaryDir(), 'a'), { entry: new URL('no-such-entry.ts', import.meta.url) }),
  ).rejects.toThrow('no-such-entry.ts')
})

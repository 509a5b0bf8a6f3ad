import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { type RecorderHandle, startRecorder } from '../../src/pipeline/recorder-thread.ts'
import { temporaryDir } from '../journal/support.ts'
import { call } from './support.ts'

const noLog = { debug() {}, info() {}, warn() {}, error() {} }

async function running(dataDir: string, options: { entry?: URL } = {}) {
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
    projectNames: {},
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
  }
}

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

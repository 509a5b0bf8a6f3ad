import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { loadProviders } from '../providers/index.ts'
import { systemClock } from './lib/clock.ts'
import { everyHour } from './lib/every-hour.ts'
import { loadPrices } from './meter/prices.ts'
import { startTokenCounter } from './meter/tokens.ts'
import { diskUse } from './pipeline/disk-use.ts'
import { type LocalStore, StoreDamaged } from './pipeline/local-store.ts'
import { createRecorder, type Recorder, type RecorderOptions } from './pipeline/recorder.ts'
import { emptyStatus } from './pipeline/recorder-status.ts'
import type { FromRecorder, RecorderData, ToRecorder } from './pipeline/recorder-thread.ts'
import { rawRecord, recordMaker } from './pipeline/records.ts'
import type { ConnectionEvent } from './records/connection-log.ts'
import { type Diary, openDiary } from './stores/sqlite/diary.ts'
import { openLocalStore } from './stores/sqlite/local.ts'
import { openPatiently } from './stores/sqlite/open-patiently.ts'
import { fileAt, setAside } from './stores/sqlite/set-aside.ts'

/** The recorder's thread: journal -> records -> embedded database. Started by `pipeline/recorder-thread.ts`. */
const data: RecorderData = workerData
const port = parentPort
if (!port) throw new Error('recorder.ts is the entry of a thread: start the product with src/cli/main.ts')
const send = (message: FromRecorder) => port.postMessage(message)
const logAt = (level: 'warn' | 'error') => (message: string, fields?: object) =>
  send({ type: 'log', level, message, fields })
const log = { warn: logAt('warn'), error: logAt('error') }

const path = join(data.dataDir, 'sightglass.sqlite')
const stopped = new AbortController()
let damage: StoreDamaged | null = null
let recorder: Recorder | null = null
let diary: Diary | null = null
/** Events that came before the database could be opened. */
const early: ConnectionEvent[] = []
port.on('message', (message: ToRecorder) => {
  if (message.type === 'note') note(message.event)
  else if (message.type === 'status') send({ type: 'status', status: recorder?.status() ?? emptyStatus, asked: true })
  else if (message.type === 'stop') stop()
  else if (message.file === fileAt(path)) {
    damage ??= new StoreDamaged(message.reason)
    stop()
  }
})

function stop() {
  stopped.abort()
  recorder?.stop()
}

function note(event: ConnectionEvent) {
  if (diary === null) early.push(event)
  else attempt('an event could not be written to the embedded database', () => diary?.addEvent(event))
}

function attempt(failure: string, work: () => void) {
  try {
    work()
  } catch (error) {
    log.warn(failure, { error })
  }
}

function replaced(aside: string, error: unknown) {
  log.error('the embedded database is damaged: it was put aside, and a new one begins with what the journal holds', {
    aside,
    error,
  })
  send({ type: 'replaced' })
}

const look = setInterval(() => {
  attempt('the size of the data directory could not be told', () => send({ type: 'disk', use: diskUse(data.dataDir) }))
}, 1_000)
const store = await openPatiently(path, () => openLocalStore(path), {
  waiting(error) {
    log.error('the embedded database cannot be opened: calls are served and kept in the journal', { error })
    send({ type: 'ready' })
  },
  replaced,
  again: (ms) => delay(ms, true, { signal: stopped.signal }).catch(() => false), // stopped
})
if (store !== null) {
  try {
    await record(store)
  } catch (error) {
    if (!(error instanceof StoreDamaged)) throw error
    damage = error
  }
}
if (damage !== null) replaced(setAside(path, systemClock.wall()), damage)
clearInterval(look)
port.close()
if (damage !== null) throw damage

/** Until it is told to stop. */
async function record(store: LocalStore) {
  diary = openDiary(path)
  const tokens = startTokenCounter()
  try {
    recorder = createRecorder(await options(store, tokens))
    for (const event of early.splice(0)) note(event)
    const stopHours = everyHour(systemClock, (hourMs) =>
      attempt('the sums of an hour could not be written', () => diary?.addHour(hourMs, store.instance)),
    )
    if (stopped.signal.aborted) recorder.stop()
    send({ type: 'ready' })
    await recorder.run()
    stopHours()
    send({ type: 'status', status: recorder.status(), asked: false })
  } finally {
    await tokens.close()
    diary.close()
    store.close()
  }
}

async function options(store: LocalStore, tokens: ReturnType<typeof startTokenCounter>): Promise<RecorderOptions> {
  const parts = {
    instance: store.instance,
    providers: await loadProviders(),
    prices: loadPrices(data.pricesFile === null ? [] : [data.pricesFile]),
    tokens,
    pepper: data.pepper,
    bodyLimitBytes: data.bodyLimitBytes,
    projectNames: new Map(Object.entries(data.projectNames)),
  }
  const wake = new Int32Array(data.wake)
  const stored = data.stored && new Int32Array(data.stored)
  let seen = Atomics.load(wake, 0)
  return {
    journalDir: join(data.dataDir, 'journal'),
    liveEpochs: data.liveEpochs,
    store,
    log,
    toRecord: recordMaker(parts),
    rawRecord: (exchange, error) => rawRecord(exchange, error, parts),
    async grown(ms) {
      await Atomics.waitAsync(wake, 0, seen, ms).value
      seen = Atomics.load(wake, 0)
    },
    published(status) {
      send({ type: 'status', status, asked: false })
      if (!stored) return
      Atomics.add(stored, 0, 1)
      Atomics.notify(stored, 0)
    },
    careful: data.careful,
  }
}

import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { loadProviders } from '../providers/index.ts'
import { countUp } from './delivery/grown.ts'
import { systemClock } from './lib/clock.ts'
import { everyHour } from './lib/every-hour.ts'
import { loadPrices } from './meter/prices.ts'
import { startTokenCounter } from './meter/tokens.ts'
import { diskUse } from './pipeline/disk-use.ts'
import { StoreDamaged } from './pipeline/local-store.ts'
import { createRecorder, type Recorder, type RecorderOptions } from './pipeline/recorder.ts'
import { emptyStatus } from './pipeline/recorder-status.ts'
import type { FromRecorder, RecorderData, ToRecorder } from './pipeline/recorder-thread.ts'
import { rawRecord, recordMaker } from './pipeline/records.ts'
import { ShortRests } from './pipeline/short-rests.ts'
import type { ConnectionEvent } from './records/connection-log.ts'
import type { PurgeWish } from './records/purge.ts'
import { type Diary, openDiary } from './stores/sqlite/diary.ts'
import { type EmbeddedStore, openLocalStore } from './stores/sqlite/local.ts'
import { openPatiently } from './stores/sqlite/open-patiently.ts'
import { fileAt, setAside } from './stores/sqlite/set-aside.ts'
import { type RunningUpkeep, startUpkeep } from './upkeep.ts'

/** The recorder's thread: journal -> records -> embedded database. Started by `pipeline/recorder-thread.ts`. */
const data: RecorderData = workerData
const port = parentPort
if (!port) throw new Error('recorder.ts is the entry of a thread: start the product with src/cli/main.ts')
const send = (message: FromRecorder) => port.postMessage(message)
const logAt = (level: 'info' | 'warn' | 'error') => (message: string, fields?: object) =>
  send({ type: 'log', level, message, fields })
const log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') }

/** A tenth of the weight that the thread that serves has. */
const lowered = 10
const wake = new Int32Array(data.wake)
const rests = new ShortRests({ clock: systemClock, traffic: () => Atomics.load(wake, 0) })
/** Between two pieces of work. */
const pause = () => rests.pause()
if (data.givesWay) giveWay()
const stored = data.stored && new Int32Array(data.stored)
/** Whoever delivers has something to do. */
const tellStored = () => {
  if (stored) countUp(stored)
}

const path = join(data.dataDir, 'sightglass.sqlite')
const stopped = new AbortController()
let damage: StoreDamaged | null = null
let recorder: Recorder | null = null
let diary: Diary | null = null
let purge: (wish: PurgeWish) => void = () =>
  send({ type: 'purge', purge: null, error: new Error('the embedded database cannot be opened yet') })
let upkeep: RunningUpkeep | null = null
/** Events that came before the database could be opened. */
const early: ConnectionEvent[] = []
port.on('message', (message: ToRecorder) => {
  if (message.type === 'note') note(message.event)
  else if (message.type === 'give way') giveWay()
  else if (message.type === 'live') tellLive(message.epochs)
  else if (message.type === 'purge') purge(message.wish)
  else if (message.type === 'status') send({ type: 'status', status: recorder?.status() ?? emptyStatus, asked: true })
  else if (message.type === 'stop') stop()
  else if (message.file === fileAt(path)) {
    damage ??= new StoreDamaged(message.reason)
    stop()
  }
})

/** Epochs that are written now, when they are others than at the start and the recorder is not there yet. */
let live: readonly string[] | null = null
function tellLive(epochs: readonly string[]) {
  if (recorder) recorder.live(epochs)
  else live = epochs
}

function giveWay() {
  rests.begin()
  // only Linux has priorities of threads; elsewhere it would be that of the whole process
  if (process.platform !== 'linux') return
  attempt('the priority of the recorder could not be lowered', () => setPriority(0, lowered))
}
function stop() {
  stopped.abort()
  recorder?.stop()
}

function note(event: ConnectionEvent) {
  if (diary === null) early.push(event)
  else
    attempt('an event could not be written to the embedded database', () => {
      diary?.addEvent(event)
      tellStored()
    })
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
  attempt('the size of the data directory could not be told', () => {
    const use = diskUse(data.dataDir)
    upkeep?.looked(use)
    send({ type: 'disk', use, lagBytes: recorder?.status().lagBytes ?? 0 })
  })
}, 1_000)
const store = await openPatiently(path, () => openLocalStore(path, { sinks: data.upkeep.sinks, pause }), {
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
async function record(store: EmbeddedStore) {
  diary = openDiary(path)
  const tokens = startTokenCounter()
  try {
    recorder = createRecorder(await options(store, tokens))
    if (live) recorder.live(live)
    for (const event of early.splice(0)) note(event)
    const tidy = startUpkeep({ store, path, data: data.upkeep, log, use: diskUse(data.dataDir), purged: tellStored })
    upkeep = tidy
    purge = (wish) => {
      try {
        send({ type: 'purge', purge: store.purges.ask(wish, systemClock.wall()), error: null })
        tidy.wake()
      } catch (error) {
        send({ type: 'purge', purge: null, error })
      }
    }
    const stopHours = everyHour(systemClock, (hourMs) =>
      attempt('the sums of an hour could not be written', () => {
        diary?.addHour(hourMs, store.instance)
        tellStored()
      }),
    )
    if (stopped.signal.aborted) recorder.stop()
    send({ type: 'ready' })
    await recorder.run()
    stopHours()
    send({ type: 'status', status: recorder.status(), asked: false })
  } finally {
    await upkeep?.stop()
    await tokens.close()
    diary.close()
    store.close()
  }
}

async function options(store: EmbeddedStore, tokens: ReturnType<typeof startTokenCounter>): Promise<RecorderOptions> {
  const parts = {
    instance: store.instance,
    providers: await loadProviders(),
    prices: loadPrices(data.pricesFile === null ? [] : [data.pricesFile]),
    tokens,
    pepper: data.pepper,
    bodyLimitBytes: data.bodyLimitBytes,
    projectNames: new Map(Object.entries(data.projectNames)),
  }
  let seen = Atomics.load(wake, 0)
  return {
    journalDir: join(data.dataDir, 'journal'),
    liveEpochs: data.liveEpochs,
    pastEpochs: data.pastEpochs,
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
      tellStored()
      upkeep?.grown()
    },
    careful: data.careful,
    pause,
  }
}

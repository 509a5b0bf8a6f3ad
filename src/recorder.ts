import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { loadProviders } from '../providers/index.ts'
import { countUp } from './delivery/grown.ts'
import { systemClock } from './lib/clock.ts'
import { everyHour } from './lib/every-hour.ts'
import { loadPrices } from './meter/prices.ts'
import { startTokenCounter } from './meter/tokens.ts'
import { diskUse } from './pipeline/disk-use.ts'
import { createRecorder } from './pipeline/recorder.ts'
import type { FromRecorder, RecorderData, ToRecorder } from './pipeline/recorder-thread.ts'
import { rawRecord, recordMaker } from './pipeline/records.ts'
import type { PurgeWish } from './records/purge.ts'
import { openDiary } from './stores/sqlite/diary.ts'
import { openLocalStore } from './stores/sqlite/local.ts'
import { startUpkeep } from './upkeep.ts'

/** The recorder's thread: journal -> records -> embedded database. Started by `pipeline/recorder-thread.ts`. */
const data: RecorderData = workerData
const port = parentPort
if (!port) throw new Error('recorder.ts is the entry of a thread: start the product with src/cli/main.ts')
const send = (message: FromRecorder) => port.postMessage(message)

const path = join(data.dataDir, 'sightglass.sqlite')
const store = openLocalStore(path, data.upkeep)
const diary = openDiary(path)
const tokens = startTokenCounter()
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
async function grown(ms: number) {
  await Atomics.waitAsync(wake, 0, seen, ms).value
  seen = Atomics.load(wake, 0)
}

const logAt = (level: 'info' | 'warn' | 'error') => (message: string, fields?: object) =>
  send({ type: 'log', level, message, fields })
const log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') }
/** Whoever delivers has something to do. */
const tellStored = () => {
  if (stored) countUp(stored)
}

const recorder = createRecorder({
  journalDir: join(data.dataDir, 'journal'),
  liveEpochs: data.liveEpochs,
  store,
  log,
  toRecord: recordMaker(parts),
  rawRecord: (exchange, error) => rawRecord(exchange, error, parts),
  grown,
  published: (status) => {
    send({ type: 'status', status, asked: false })
    tellStored()
  },
  careful: data.careful,
})
const note = (write: () => void) => {
  try {
    write()
    tellStored()
  } catch (error) {
    log.warn('an event could not be written to the embedded database', { error })
  }
}
const upkeep = startUpkeep({ store, path, data: data.upkeep, log, use: diskUse(data.dataDir), purged: tellStored })
const purge = (wish: PurgeWish) => {
  try {
    send({ type: 'purge', purge: store.purges.ask(wish, systemClock.wall()), error: null })
    upkeep.wake()
  } catch (error) {
    send({ type: 'purge', purge: null, error })
  }
}
const stopHours = everyHour(systemClock, (hourMs) => note(() => diary.addHour(hourMs, store.instance)))
port.on('message', (message: ToRecorder) => {
  if (message.type === 'stop') recorder.stop()
  else if (message.type === 'note') note(() => diary.addEvent(message.event))
  else if (message.type === 'purge') purge(message.wish)
  else send({ type: 'status', status: recorder.status(), asked: true })
})
const look = setInterval(() => {
  try {
    const use = diskUse(data.dataDir)
    upkeep.looked(use)
    send({ type: 'disk', use })
  } catch (error) {
    log.warn('the size of the data directory could not be told', { error })
  }
}, 1_000)
send({ type: 'ready' })
await recorder.run()
clearInterval(look)
await upkeep.stop()
send({ type: 'status', status: recorder.status(), asked: false })
stopHours()
await tokens.close()
diary.close()
store.close()
port.close()

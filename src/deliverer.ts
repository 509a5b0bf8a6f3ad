import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { connectionEvents } from './delivery/connection-events.ts'
import { createDelivery, type Delivery, type DeliveryOptions } from './delivery/deliver.ts'
import type { DelivererData, FromDeliverer, ToDeliverer } from './delivery/deliverer-thread.ts'
import { createDiaryDelivery } from './delivery/diary-delivery.ts'
import { createFallbackDelivery } from './delivery/fallback.ts'
import { countUp, grownWatch } from './delivery/grown.ts'
import { targetOf } from './delivery/target.ts'
import { openCsvFallback } from './exporters/csv/index.ts'
import { systemClock } from './lib/clock.ts'
import { diaryCollections } from './records/diary-entry.ts'
import { openMongoSink } from './stores/mongodb/index.ts'
import { openDiary } from './stores/sqlite/diary.ts'
import { openPatiently } from './stores/sqlite/open-patiently.ts'
import { type LocalOutbox, openOutbox } from './stores/sqlite/outbox.ts'
import { csvPart } from './stores/sqlite/purge-rows.ts'
import { fileAt } from './stores/sqlite/set-aside.ts'
import { watched } from './stores/sqlite/watched.ts'

/** The deliverer's thread: embedded database -> MongoDB, and CSV files while that is away. Started by `delivery/deliverer-thread.ts`. */
const data: DelivererData = workerData
const port = parentPort
if (!port) throw new Error('deliverer.ts is the entry of a thread: start the product with src/cli/main.ts')
const send = (message: FromDeliverer) => port.postMessage(message)
const logAt = (level: 'info' | 'warn' | 'error') => (message: string, fields?: object) =>
  send({ type: 'log', level, message, fields })
const log = { debug() {}, info: logAt('info'), warn: logAt('warn'), error: logAt('error') }

const { uri, database, pepperId, retention, bodiesDays } = data.mongo
const name = 'mongodb'
const target = targetOf(uri, database)
const path = join(data.dataDir, 'sightglass.sqlite')
const stopped = new AbortController()
let file = fileAt(path)
const damaged = (error: unknown) => send({ type: 'damaged', damage: { file, reason: String(error) } })
const open = () => {
  file = fileAt(path)
  return openOutbox({ path, sinks: [{ name, target }], clock: systemClock })
}
const outbox = await opened()
const sink = openMongoSink({ uri, database, instance: outbox.instance, pepperId, retention, bodiesDays, log })

const stored = new Int32Array(data.stored)
const diary = openDiary(path)
const happened = connectionEvents(name, systemClock, (event) => {
  try {
    diary.addEvent(event)
    countUp(stored)
  } catch (error) {
    log.warn('an event could not be written to the embedded database', { error, event: event.event_type })
  }
})

const sleep = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => {}) // the signal only cuts it short
const common = (): Pick<DeliveryOptions<unknown>, 'log' | 'clock' | 'random' | 'sleep' | 'grown'> => ({
  log: { ...log, warn: (message, fields) => log.warn(message, { ...fields, setting: 'MONGO_URI' }) },
  clock: systemClock,
  random: Math.random,
  sleep,
  grown: grownWatch(stored, sleep),
})

const delivery: Delivery = createDelivery({
  ...common(),
  sink,
  outbox,
  changed(state) {
    happened(state)
    beside.changed(state)
    publish(false)
  },
})

const diaries = diaryCollections.map((collection) =>
  createDiaryDelivery(
    {
      ...common(),
      sink: sink.diary(collection),
      outbox: diary.line({ collection, sink: name, target, instance: outbox.instance, clock: systemClock }),
    },
    () => delivery.state().state === 'ok',
  ),
)

/** While MongoDB is away, for people to read. */
const beside = createFallbackDelivery({
  sink: name,
  fallback: openCsvFallback({
    directory: data.csvDirectory,
    kept: outbox.kept('csv_fallback'),
    past: outbox.kept('csv_fallback_past'),
  }),
  behind: (place) => outbox.behind(name, place, 500),
  nextPurge: () => outbox.nextPurge(csvPart),
  settlePurge: (purge, counts) => outbox.settlePurge(csvPart, purge, counts, true),
  log,
  clock: systemClock,
  sleep,
})

function publish(asked: boolean): void {
  try {
    send({ type: 'status', sinks: [{ name, ...delivery.state(), counters: outbox.counters(name) }], asked })
  } catch (error) {
    log.warn('the counters of the sinks cannot be read', { error })
  }
}

/** As soon as the embedded database can be opened. */
async function opened(): Promise<LocalOutbox> {
  const before = (message: ToDeliverer) => {
    if (message.type === 'status') send({ type: 'status', sinks: [], asked: true })
    else stopped.abort()
  }
  port!.on('message', before)
  const found = await openPatiently(path, watched({ open }, damaged).open, {
    waiting(error) {
      log.error('the embedded database cannot be opened: what is stored there is delivered later', { error })
      send({ type: 'ready' })
    },
    again: (ms) => delay(ms, true, { signal: stopped.signal }).catch(() => false), // stopped
  })
  port!.off('message', before)
  if (found === null) throw new Error('stopped before the embedded database could be opened')
  return watched(found, damaged)
}

/** Delivered records stay for a while, for questions while MongoDB is away. */
const keepMs = 3_600_000
const sweepMs = 60_000
async function sweep(): Promise<void> {
  while (!stopped.signal.aborted) {
    await sleep(sweepMs, stopped.signal)
    try {
      while (!stopped.signal.aborted && outbox.forgetDelivered([name], keepMs) > 0) await sleep(50, stopped.signal)
    } catch (error) {
      log.warn('delivered records could not be deleted from the embedded database', { error })
    }
  }
}

port.on('message', (message: ToDeliverer) => {
  if (message.type === 'status') return publish(true)
  stopped.abort()
  delivery.stop()
  setTimeout(() => {
    for (const one of [delivery, ...diaries]) one.cut()
  }, message.drainMs).unref()
})
publish(false)
send({ type: 'ready' })
/** What happened up to the end is told, too. */
const ended = (): void => {
  beside.stop()
  for (const one of diaries) one.stop()
}
await Promise.all([delivery.run().finally(ended), ...diaries.map((one) => one.run()), beside.run(), sweep()])
publish(false)
await sink.close()
diary.close()
outbox.close()
port.close()

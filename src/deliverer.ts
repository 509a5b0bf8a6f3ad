import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { connectionEvents } from './delivery/connection-events.ts'
import { createDelivery, type Delivery } from './delivery/deliver.ts'
import type { DelivererData, FromDeliverer, ToDeliverer } from './delivery/deliverer-thread.ts'
import { createFallbackDelivery } from './delivery/fallback.ts'
import { targetOf } from './delivery/target.ts'
import { openCsvFallback } from './exporters/csv/index.ts'
import { systemClock } from './lib/clock.ts'
import { openMongoSink } from './stores/mongodb/index.ts'
import { openDiary } from './stores/sqlite/diary.ts'
import { openPatiently } from './stores/sqlite/open-patiently.ts'
import { type LocalOutbox, openOutbox } from './stores/sqlite/outbox.ts'
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

const { uri, database, pepperId, retention } = data.mongo
const name = 'mongodb'
const path = join(data.dataDir, 'sightglass.sqlite')
const stopped = new AbortController()
let file = fileAt(path)
const damaged = (error: unknown) => send({ type: 'damaged', damage: { file, reason: String(error) } })
const open = () => {
  file = fileAt(path)
  return openOutbox({ path, sinks: [{ name, target: targetOf(uri, database) }], clock: systemClock })
}
const outbox = await opened()
const sink = openMongoSink({ uri, database, instance: outbox.instance, pepperId, retention, log })

const diary = openDiary(path)
const happened = connectionEvents(name, systemClock, (event) => {
  try {
    diary.addEvent(event)
  } catch (error) {
    log.warn('an event could not be written to the embedded database', { error, event: event.event_type })
  }
})

const stored = new Int32Array(data.stored)
let seen = Atomics.load(stored, 0)
async function grown(ms: number, signal: AbortSignal) {
  const over = new AbortController()
  const asleep = sleep(ms, AbortSignal.any([signal, over.signal]))
  await Promise.race([Atomics.waitAsync(stored, 0, seen, ms).value, asleep])
  over.abort()
  seen = Atomics.load(stored, 0)
}
const sleep = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => {}) // the signal only cuts it short

const delivery: Delivery = createDelivery({
  sink,
  outbox,
  log: { ...log, warn: (message, fields) => log.warn(message, { ...fields, setting: 'MONGO_URI' }) },
  clock: systemClock,
  random: Math.random,
  sleep,
  grown,
  changed(state) {
    happened(state)
    beside.changed(state)
    publish(false)
  },
})

/** While MongoDB is away, for people to read. */
const beside = createFallbackDelivery({
  sink: name,
  fallback: openCsvFallback({ directory: data.csvDirectory, kept: outbox.kept('csv_fallback') }),
  behind: (place) => outbox.behind(name, place, { records: 500, bytes: 8 * 1024 * 1024 }),
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
  setTimeout(() => delivery.cut(), message.drainMs).unref()
})
publish(false)
send({ type: 'ready' })
await Promise.all([delivery.run().finally(() => beside.stop()), beside.run(), sweep()])
publish(false)
await sink.close()
diary.close()
outbox.close()
port.close()

import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { createRecorder } from '../../src/pipeline/recorder.ts'
import type { FromRecorder, RecorderData, ToRecorder } from '../../src/pipeline/recorder-thread.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { quiet, recordOf, textOf } from './recorder-parts.ts'

/** A recorder's thread that a call can kill (`poison`) or send into an endless loop (`tar`). */
const data: RecorderData = workerData
const send = (message: FromRecorder) => parentPort!.postMessage(message)
const store = openLocalStore(join(data.dataDir, 'sightglass.sqlite'))
const recorder = createRecorder({
  journalDir: join(data.dataDir, 'journal'),
  liveEpochs: data.liveEpochs,
  store,
  log: quiet,
  toRecord: async (exchange) => {
    const text = textOf(exchange, 'request')
    if (text === 'poison') process.exit(1)
    while (text === 'tar');
    return recordOf(exchange)
  },
  rawRecord: (exchange, error) => recordOf(exchange, [`raw: ${error instanceof Error ? error.message : error}`]),
  published: (status) => send({ type: 'status', status, asked: false }),
  careful: data.careful,
})
parentPort!.on('message', (message: ToRecorder) => {
  if (message.type === 'stop') recorder.stop()
  else send({ type: 'status', status: recorder.status(), asked: true })
})
send({ type: 'ready' })
await recorder.run()
store.close()
parentPort!.close()

import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { emptyStatus } from '../../src/pipeline/recorder-status.ts'
import type { FromRecorder, RecorderData, ToRecorder } from '../../src/pipeline/recorder-thread.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'

/** Stands where the recorder's thread would, makes its database, and reads nothing. */
const port = parentPort
if (!port) throw new Error('idle-recorder.ts is the entry of a thread')
const send = (message: FromRecorder): void => port.postMessage(message)
openLocalStore(join((workerData as RecorderData).dataDir, 'sightglass.sqlite')).close()
port.on('message', (message: ToRecorder) => {
  if (message.type === 'stop') port.close()
  else if (message.type === 'status') send({ type: 'status', status: emptyStatus, asked: true })
})
send({ type: 'ready' })

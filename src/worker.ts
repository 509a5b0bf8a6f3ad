import { setTimeout as delay } from 'node:timers/promises'
import { loadProviders } from '../providers/index.ts'
import { ownPaths } from './api/own-paths.ts'
import { systemClock } from './lib/clock.ts'
import { createLog } from './lib/log.ts'
import type { DataPlane } from './serving/data-plane.ts'
import { openLocalPlane } from './serving/local-plane.ts'
import { passTo } from './serving/own-requests.ts'
import type { FromWorker, ToWorker, WorkerBegin } from './serving/worker-messages.ts'

/** A process that serves calls beside others, started by `serving/worker-pool.ts`. The first process tells it what to do. */
const send = (message: FromWorker): void => {
  if (process.connected) process.send!(message)
}
const hurry = Promise.withResolvers<void>()
let plane: DataPlane | null = null
let ownSocket = ''

if (process.send === undefined)
  throw new Error('worker.ts is the entry of a process: start the product with src/cli/main.ts')
// a terminal's signals reach every process of the group; the first one says what follows from them
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
// nobody reads the journal any more, and the next start will take all that is in it for finished
process.on('disconnect', () => process.exit(1))
process.on('message', (message: ToWorker) => {
  take(message).catch((error: NodeJS.ErrnoException) => {
    const { message, code = null, syscall = null } = error
    send({ type: 'failed', failure: { message, code, syscall } })
  })
})

async function take(message: ToWorker): Promise<void> {
  if (message.type === 'begin') {
    ownSocket = message.begin.ownSocket
    plane = await opened(message.begin)
    send({ type: 'opened' })
    return
  }
  if (plane === null) return
  if (message.type === 'listen') send({ type: 'listening', ...(await plane.listen(passTo(ownSocket))) })
  else if (message.type === 'disk' || message.type === 'status') {
    if (message.type === 'disk') plane.looked(message.use)
    send({ type: 'status', status: await plane.status(), refusing: plane.refusing() })
  } else if (message.type === 'hurry') hurry.resolve()
  else if (message.type === 'cut') plane.cut()
  else if (message.type === 'drain') {
    await plane.drain(message.delayMs, hurry.promise)
    send({ type: 'drained' })
  } else {
    await plane.end()
    process.exit(0)
  }
}

async function opened({ settings, pepper, use, epoch, planes, port }: WorkerBegin): Promise<DataPlane> {
  return openLocalPlane({
    settings,
    providers: await loadProviders(),
    pepper,
    ownPaths,
    use,
    epoch,
    planes,
    sharedPort: port,
    wake: gathered(() => send({ type: 'grew' })),
    clock: systemClock,
    log: createLog({ level: settings.logLevel, format: settings.logFormat }),
  })
}

/** At most one call in a while, the last one not left out. */
function gathered(work: () => void): () => void {
  let isWaiting = false
  return () => {
    if (isWaiting) return
    isWaiting = true
    delay(gatherMs).then(() => {
      isWaiting = false
      work()
    })
  }
}

const gatherMs = 10

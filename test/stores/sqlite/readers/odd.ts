import { parentPort } from 'node:worker_threads'

/** A reader thread that misbehaves on demand: the project of a question says how. */
let asked = 0
parentPort?.on('message', ({ id, args }: { id: number; args: readonly unknown[] }) => {
  asked++
  const [wish] = args
  if (wish === 'die') process.exit(7)
  if (wish === 'hang') for (;;);
  if (wish !== 'silent') parentPort?.postMessage({ id, value: { asked } })
})

import { once } from 'node:events'
import { join } from 'node:path'
import { cores, pinned } from '../machine.ts'
import type { Job, JobResult } from './job.ts'

export interface Generator {
  run(job: Job): Promise<JobResult>
  stop(): Promise<void>
}

/** A load generator on the core that is not the subject's. */
export function startGenerator(): Generator {
  const own = pinned(process.execPath, [join(import.meta.dirname, 'main.ts')], { core: cores.load, ipc: true })
  return {
    async run(job) {
      const over = new AbortController()
      const answered = once(own.child, 'message', { signal: over.signal })
      const ended = once(own.child, 'exit', { signal: over.signal }).then(([code]) => [{ error: `ended with ${code}` }])
      for (const promise of [answered, ended]) promise.catch(() => {}) // whichever comes second is aborted
      own.child.send(job)
      const [message] = (await Promise.race([answered, ended])) as [{ result?: JobResult; error?: string }]
      over.abort()
      if (!message.result) throw new Error(`the load generator failed: ${message.error}\n${own.output()}`)
      return message.result
    },
    stop: () => own.stop(),
  }
}

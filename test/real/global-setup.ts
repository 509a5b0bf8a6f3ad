import type { TestProject } from 'vitest/node'
import { type RealServers, startRealServers, whyNot } from './servers.ts'

let stop = (): Promise<void> => Promise.resolve()

/** Starts the real servers once for all files, or says in one line why there are none. */
export async function setup(project: TestProject): Promise<void> {
  const reason = whyNot()
  if (reason !== null) {
    console.log(`real servers: skipped, ${reason}`)
    project.provide('realServers', null)
    return
  }
  const servers = await startRealServers()
  stop = servers.stop
  project.provide('realServers', servers.ports)
}

export const teardown = (): Promise<void> => stop()

declare module 'vitest' {
  interface ProvidedContext {
    realServers: RealServers['ports'] | null
  }
}

import { once } from 'node:events'
import { join } from 'node:path'
import { cores, pinned } from '../machine.ts'
import type { Subject } from './subject.ts'

/** What Node and undici cost alone: `bare-pipe-server.ts`. */
export const barePipe: Subject = {
  name: 'bare pipe',
  unavailable: () => null,
  async start({ scheme, port, caFile }) {
    const program = pinned(process.execPath, [join(import.meta.dirname, 'bare-pipe-server.ts')], {
      core: cores.subject,
      ipc: true,
      env: { UPSTREAM: `${scheme}://127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: caFile },
    })
    const [own] = (await once(program.child, 'message')) as [number]
    return { port: own, pid: program.pid, stop: () => program.stop() }
  },
}

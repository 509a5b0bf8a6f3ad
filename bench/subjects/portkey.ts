import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { cores, pinned } from '../machine.ts'
import { answering } from '../upstreams/index.ts'
import { npmPackage } from './installed.ts'
import type { Subject } from './subject.ts'

/** Portkey's gateway as its package starts it; the upstream is named by a header, as its documentation has it. */
export const portkey: Subject = {
  name: 'portkey',
  unavailable: () => null,
  async start({ scheme, port, caFile, ollama }) {
    const directory = npmPackage('@portkey-ai/gateway', '1.15.2')
    const own = await freePort()
    const program = pinned(
      process.execPath,
      [
        join(directory, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js'),
        `--port=${own}`,
        '--headless',
      ],
      {
        core: cores.subject,
        env: { NODE_ENV: 'production', NODE_EXTRA_CA_CERTS: caFile, TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
      },
    )
    await answering(own, program)
    return {
      port: own,
      headers: {
        'x-portkey-provider': ollama ? 'ollama' : 'openai',
        'x-portkey-custom-host': `${scheme}://127.0.0.1:${port}${ollama ? '' : '/v1'}`,
      },
      pid: program.pid,
      stop: () => program.stop(),
    }
  },
}

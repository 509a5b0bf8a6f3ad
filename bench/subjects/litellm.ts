import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { cores, has, pinned } from '../machine.ts'
import { answering } from '../upstreams/index.ts'
import { installed, runInstaller } from './installed.ts'
import type { Subject } from './subject.ts'

const version = '1.108.7'
const masterKey = 'sk-bench-0123456789abcdef01234567'

/** LiteLLM's proxy, one worker, nothing recorded. */
export const litellm: Subject = {
  name: 'litellm',
  onlyWithAll: true,
  unavailable: () => (has('python3') ? null : 'python3 is not installed'),
  async start({ scheme, port }) {
    const directory = installed(`litellm-${version}`, (unfinished) => {
      runInstaller('python3', ['-m', 'venv', unfinished])
      const python = join(unfinished, 'bin', 'python')
      runInstaller(python, ['-m', 'pip', 'install', '--quiet', `litellm[proxy]==${version}`])
    })
    const own = await freePort()
    const settings = mkdtempSync(join(tmpdir(), 'sightglass-bench-litellm-'))
    const file = join(settings, 'config.yaml')
    const model = { model: 'openai/gpt-4o-mini', api_base: `${scheme}://127.0.0.1:${port}/v1`, api_key: masterKey }
    writeFileSync(file, JSON.stringify({ model_list: [{ model_name: 'gpt-4o-mini', litellm_params: model }] }))
    const program = pinned(
      join(directory, 'bin', 'python'),
      [
        '-m',
        'litellm.proxy.proxy_cli',
        '--config',
        file,
        '--host',
        '127.0.0.1',
        '--port',
        `${own}`,
        '--num_workers',
        '1',
      ],
      { core: cores.subject, env: { LITELLM_MASTER_KEY: masterKey, LITELLM_LOCAL_MODEL_COST_MAP: 'True' } },
    )
    await answering(own, program, '/health/liveliness')
    return {
      port: own,
      headers: { authorization: `Bearer ${masterKey}` },
      pid: program.pid,
      async stop() {
        await program.stop()
        rmSync(settings, { recursive: true, force: true })
      },
    }
  },
}

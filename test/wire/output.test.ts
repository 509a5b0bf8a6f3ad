import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { freePort } from '../support/free-port.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually, within } from '../support/within.ts'

const root = join(import.meta.dirname, '..', '..')

it.runIf(existsSync('/dev/full'))(
  'serves and stops as ever when its output takes nothing, as on a full disk',
  async () => {
    await using upstream = await scriptedUpstream(() => json({ id: 'x' }))
    const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-output-'))
    const port = await freePort()
    const full = openSync('/dev/full', 'w')
    const proxy = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', 'start'], {
      cwd: root,
      stdio: ['ignore', full, 'inherit'],
      env: {
        PATH: process.env.PATH,
        PORT: String(port),
        DATA_DIR: dataDir,
        DRAIN_DELAY: '0',
        LOG_LEVEL: 'debug',
        UPSTREAM_OPENAI: upstream.url,
      },
    })
    closeSync(full)
    const exited = once(proxy, 'exit')
    try {
      await eventually(
        'the proxy to be ready',
        async () => (await fetch(`http://127.0.0.1:${port}/ready`, { signal: AbortSignal.timeout(1000) })).ok,
        15_000,
        50,
      )
      expect((await rawExchange(port, requestBytes('GET', '/v1/models'))).status).toBe(200)
      proxy.kill('SIGTERM')
      expect(await within(10_000, 'the proxy to end', exited)).toEqual([0, null])
    } finally {
      proxy.kill('SIGKILL')
      await exited
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  40_000,
)

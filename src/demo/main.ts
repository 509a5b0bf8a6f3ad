import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadProviders } from '../../providers/index.ts'
import { createLog } from '../lib/log.ts'
import { type RunningProxy, start } from '../main.ts'
import { loadSettings } from '../settings/load.ts'
import type { Pace } from './call.ts'
import { loadClients } from './clients.ts'
import { scenes } from './scenes.ts'
import { realisticPace, type ScriptedProvider, scriptedProvider } from './scripted-provider.ts'

export { MissingClients } from './clients.ts'

/**
 * Shows the product without any API key: a scripted provider, the proxy in front of it, and calls of three projects with the
 * official packages. What the proxy knows of them afterwards is asked by `whenRecorded`.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { print } = options
  const clients = await loadClients()
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'sightglass-demo-')))
  const provider = await scriptedProvider({ pace: options.pace ?? realisticPace })
  try {
    const proxy = await startProxy(provider, dataDir, print)
    try {
      const url = `http://${proxy.address.host}:${proxy.address.port}`
      print(`A scripted provider plays OpenAI, Anthropic and Ollama on ${provider.url}; nothing leaves this machine.`)
      print(`Sightglass stands in front of it on ${url}; each client was given that address and nothing else.`)
      print('')
      await Promise.all(scenes.map((scene) => scene({ url, clients, print })))
      await proxy.settled(10_000)
      await options.whenRecorded({ url, adminToken: proxy.adminToken, dataDir })
    } finally {
      await proxy.stop()
    }
  } finally {
    await provider.stop()
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
}

export interface DemoOptions {
  /** Takes one line, without its end. */
  print: (line: string) => void
  /** Where the records go, and stay. Without it they go with the demo. */
  dataDir?: string
  pace?: Pace
  /** Called when every call is recorded, while the proxy still runs. */
  whenRecorded(proxy: DemoProxy): Promise<void>
}

export interface DemoProxy {
  readonly url: string
  readonly adminToken: string
  readonly dataDir: string
}

async function startProxy(
  provider: ScriptedProvider,
  dataDir: string,
  print: DemoOptions['print'],
): Promise<RunningProxy> {
  const { settings } = loadSettings({
    providers: (await loadProviders()).values(),
    // the demo's own settings only: what is set around it is for the real thing
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      DRAIN_DELAY: '0',
      UPSTREAM_OPENAI: provider.url,
      UPSTREAM_ANTHROPIC: provider.url,
      UPSTREAM_OLLAMA: provider.url,
    },
  })
  return start({
    settings,
    log: createLog({ level: 'warn', format: 'pretty', write: (line) => print(line.trimEnd()) }),
  })
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadProviders } from '../../providers/index.ts'
import { program } from '../cli/program.ts'
import { createLog } from '../lib/log.ts'
import { type RunningProxy, start } from '../main.ts'
import { loadSettings } from '../settings/load.ts'
import type { Pace } from './call.ts'
import { loadClients } from './clients.ts'
import { scenes } from './scenes.ts'
import { realisticPace, type ScriptedProvider, scriptedProvider } from './scripted-provider.ts'
import { usageTable } from './usage-table.ts'

/**
 * Shows the product without any API key: a scripted provider, the proxy in front of it, calls of three projects with the
 * official packages, and what the proxy knows of them afterwards.
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
      print('')
      print('What the proxy knows of it:')
      print('')
      print(`$ ${program} usage --group-by project,model`)
      const { adminToken } = proxy
      const width = options.width ?? Number.POSITIVE_INFINITY
      for (const line of (await usageTable({ url, adminToken, dataDir, width })).split('\n')) print(line)
      print('')
      for (const line of advice(options.dataDir)) print(line)
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
  /** Columns for the table. */
  width?: number
  pace?: Pace
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

const advice = (dataDir: string | undefined): string[] => [
  ...(dataDir === undefined
    ? [`These records went with the demo. To keep them and look around: ${program} demo --data-dir demo-data`]
    : [
        'Look around in these records:',
        `  ${program} runs --data-dir ${dataDir}`,
        `  ${program} usage --data-dir ${dataDir}`,
      ]),
  '',
  'For your own calls, start the proxy and point a client at it:',
  program.startsWith('npm') ? '  npm start' : `  ${program} start`,
  '  export OPENAI_BASE_URL=http://127.0.0.1:8484/v1',
  '  export ANTHROPIC_BASE_URL=http://127.0.0.1:8484',
  '  export OLLAMA_HOST=http://127.0.0.1:8484',
]

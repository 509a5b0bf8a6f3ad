import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../support/free-port.ts'

const directory = process.env.REAL_SERVERS_DIR ?? join(homedir(), '.cache', 'sightglass-real-servers')
const script = join(import.meta.dirname, 'servers', 'real-servers.sh')

export const ollamaBinary = join(directory, 'ollama')

/** Why the real servers cannot be had here; null when they can. */
export function whyNot(): string | null {
  if (process.env.CI) return 'building them takes ten minutes, which CI does not spend'
  const missing = ['ollama', 'llama-server'].filter((name) => !existsSync(join(directory, name)))
  return missing.length === 0 ? null : `${missing.join(' and ')} not built: run test/real/servers/real-servers.sh build`
}

/** Ollama and two llama-servers over the tiny model, on free ports. */
export async function startRealServers(): Promise<RealServers> {
  const [ollama, llama, embeddings] = await freePorts(3)
  const ports = { ollama: ollama!, llama: llama!, embeddings: embeddings! }
  const env = {
    ...process.env,
    REAL_SERVERS_DIR: directory,
    OLLAMA_PORT: String(ports.ollama),
    LLAMA_PORT: String(ports.llama),
    LLAMA_EMBED_PORT: String(ports.embeddings),
  }
  try {
    await run(env, 'start')
  } catch (error) {
    await run(env, 'stop')
    throw error
  }
  return {
    ports,
    async stop() {
      await run(env, 'stop')
      // a start that failed keeps its logs
      await rm(join(directory, 'run', String(ports.ollama)), {
        recursive: true,
        force: true,
        maxRetries: 5,
        retryDelay: 200,
      })
    },
  }
}

export interface RealServers {
  ports: { ollama: number; llama: number; embeddings: number }
  stop(): Promise<void>
}

async function run(env: NodeJS.ProcessEnv, command: 'start' | 'stop'): Promise<void> {
  // the servers inherit the output: a pipe would stay open as long as they live
  const child = spawn('bash', [script, command], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`real-servers.sh ${command} ended with ${code}`)
}

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { cores, pinned } from '../machine.ts'
import { mongoSink } from '../mongo-sink.ts'
import { answering } from '../upstreams/index.ts'
import type { Running, Subject, Target } from './subject.ts'

const root = join(import.meta.dirname, '..', '..')
const adminToken = 'bench-admin-token'
/** As `npm start` and the image start it. */
const { flags, environment } = JSON.parse(readFileSync(join(root, 'scripts', 'node-options.json'), 'utf8')) as {
  flags: string[]
  environment: Record<string, string>
}

/** As it is started by everybody, records in the embedded database. */
export const sightglass: Subject = {
  name: 'sightglass',
  unavailable: () => null,
  start: (target) => start(target, {}),
}

/** With a server on the core of the load that acknowledges at once what it is sent in MongoDB's protocol. */
export const sightglassMongo: Subject = {
  name: 'sightglass, mongodb',
  unavailable: () => null,
  async start(target) {
    const server = await mongoSink(0, cores.load)
    const running = await start(target, { MONGO_URI: server.uri })
    return {
      ...running,
      async stop() {
        await running.stop()
        await server[Symbol.asyncDispose]()
      },
    }
  },
}

/** Two processes that serve, and one of them makes all records; all on one core, as every subject. */
export const sightglassWorkers: Subject = {
  name: 'sightglass, 2 workers',
  onlyWithAll: true,
  unavailable: () => null,
  start: (target) => start(target, { WORKERS: '2' }),
}

/** Calls are journalled as ever, but nobody reads the journal: what decoding, metering and storing cost. */
export const sightglassPaused: Subject = {
  name: 'sightglass, recorder paused',
  unavailable: () => null,
  async start(target) {
    const { records: _, ...running } = await start(target, {}, join(import.meta.dirname, 'sightglass-paused.ts'))
    return running
  },
}

async function start(
  { scheme, port, caFile, ollama }: Target,
  env: Readonly<Record<string, string>>,
  entry = join(root, 'src', 'cli', 'main.ts'),
): Promise<Running> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
  const own = await freePort()
  const program = pinned(process.execPath, [...flags, entry, 'start'], {
    core: cores.subject,
    cwd: root,
    env: {
      ...environment,
      PORT: `${own}`,
      DATA_DIR: dataDir,
      ADMIN_TOKEN: adminToken,
      LOG_LEVEL: 'warn',
      [ollama ? 'UPSTREAM_OLLAMA' : 'UPSTREAM_OPENAI']: `${scheme}://127.0.0.1:${port}`,
      ...(scheme === 'https' && { CA_FILE: caFile }),
      ...(process.env.NODE_COMPILE_CACHE !== undefined && { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
      ...env,
    },
  })
  await answering(own, program, '/health')
  return {
    port: own,
    headers: { 'x-project-id': 'bench' },
    pid: program.pid,
    async records() {
      const response = await fetch(`http://127.0.0.1:${own}/health`, {
        headers: { authorization: `Bearer ${adminToken}` },
      })
      const { records, sinks } = (await response.json()) as {
        records: { accepted: number; stored: number; pending: number }
        sinks: Record<string, { stored: number }>
      }
      return { accepted: records.accepted, stored: sinks.mongodb?.stored ?? records.stored }
    },
    async stop() {
      await program.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

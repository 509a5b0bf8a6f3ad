import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { fakeMongo } from '../support/fake-mongo.ts'
import { startProxy } from '../support/proxy.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause, signal, within } from '../support/within.ts'
import { delivered } from './health.ts'
import { type KeptRecords, keptInDatabase, keptInFake } from './kept.ts'
import { mixedClients } from './kill-clients.ts'
import { killUpstream } from './kill-upstream.ts'
import { type Findings, Ledger } from './ledger.ts'
import { type Seeded, seeded } from './seeded.ts'

/** When a process is killed: while it serves, while it takes up what the last one left, or as soon as it has begun. */
export type KillKind = 'serving' | 'recovering' | 'loop'

/** Where the records end: in the embedded database, or from there in a MongoDB, which loses a fifth of its answers. */
export type KillSink = 'sqlite' | 'mongodb'

export interface Campaign extends Findings {
  kills: number
  /** Calls in the rollups: a call counted twice would show here although its id is stored once. */
  counted: number
  /** Epochs left in the journal's directory when all was settled, besides the live one. */
  epochsLeft: number
  /** Longest time from the start of a process to its readiness, and of the last one until everything was stored. */
  startMs: number
  settleMs: number
}

/**
 * Starts the product on one data directory again and again, with `clients` mixed clients at it, and kills it each time at a
 * moment that the seed says. Then it lets the last one settle and compares what clients and upstream saw with the records.
 */
export async function killCampaign(
  seed: number,
  kills: readonly KillKind[],
  sink: KillSink,
  clients = 48,
): Promise<Campaign> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-kills-'))
  try {
    const ledger = new Ledger()
    await using upstream = await killUpstream((call) => ledger.arrived(call))
    await using mongo = await fakeMongo()
    const luck = seeded(seed + 1)
    mongo.fault = (name) =>
      name !== 'connection_logs' && luck.next() < lostAnswers ? { kind: 'applyThenReset' } : null
    const uri = sink === 'mongodb' ? mongo.uri : null
    const rig = new Rig({ dataDir, upstreamPort: upstream.port, mongoUri: uri, ledger, random: seeded(seed), clients })
    for (const kind of kills) await rig.kill(kind)
    const { kept, counted, ...times } = await settled(dataDir, uri, () => keptInFake(mongo))
    return { kills: kills.length, startMs: rig.startMs, ...ledger.compare(kept), counted, ...times }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

const leastServed = 30
const lostAnswers = 0.2

interface RigParts {
  dataDir: string
  upstreamPort: number
  mongoUri: string | null
  ledger: Ledger
  random: Seeded
  clients: number
}

class Rig {
  startMs = 0
  #dataDir: string
  #ledger: Ledger
  #random: Seeded
  #clients: number
  #env: Record<string, string>
  #calls = 0

  constructor({ dataDir, upstreamPort, mongoUri, ledger, random, clients }: RigParts) {
    this.#dataDir = dataDir
    this.#ledger = ledger
    this.#random = random
    this.#clients = clients
    this.#env = {
      UPSTREAM_OPENAI: `http://127.0.0.1:${upstreamPort}`,
      ...(mongoUri !== null && { MONGO_URI: mongoUri }),
    }
  }

  async kill(kind: KillKind) {
    if (kind === 'loop') await this.#killAtStart()
    else if (kind === 'serving') await this.#killUnderLoad(this.#random.whole(150, 900), leastServed)
    else await this.#killUnderLoad(this.#random.whole(0, 150), 0)
  }

  /** Also on a busy machine so many calls have ended by then. */
  async #killUnderLoad(afterMs: number, leastCalls: number) {
    const from = performance.now()
    const proxy = await spawnProxy({ dataDir: this.#dataDir, env: this.#env, startMs: 60_000 })
    this.startMs = Math.max(this.startMs, performance.now() - from)
    const seed = this.#random.whole(0, 2 ** 30)
    const clients = mixedClients(proxy.port, this.#clients, this.#ledger, seed, () => `call-${++this.#calls}`)
    await pause(afterMs)
    await eventually('clients to be served', () => clients.calls() >= leastCalls, 30_000, 5)
    clients.excuse()
    process.kill(proxy.pid, 'SIGKILL')
    await within(10_000, 'the killed process to end', proxy.exited)
    await within(10_000, 'the clients to see it', clients.ended)
  }

  /** Within 300 ms of the moment at which it had a journal of its own. */
  async #killAtStart() {
    const journals = join(this.#dataDir, 'journal')
    const before = new Set(entries(journals))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/cli/main.ts', 'start'], {
      cwd: join(import.meta.dirname, '..', '..'),
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        DATA_DIR: this.#dataDir,
        ADMIN_TOKEN: 'test-admin-token',
        ...this.#env,
      },
    })
    const said: Buffer[] = []
    child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
    const died = signal<string>()
    const closed = once(child, 'close').then(([code, name]) => died.give(`ended with ${code ?? name}`))
    const born = eventually('a new journal', () => entries(journals).some((name) => !before.has(name)), 60_000, 2)
    const early = await Promise.race([born.then(() => null), died.promise])
    if (early) throw new Error(`the process ${early} by itself:\n${Buffer.concat(said)}`)
    await pause(this.#random.whole(0, 300))
    child.kill('SIGKILL')
    await within(10_000, 'the killed process to end', closed)
  }
}

/** Starts once more, and lets everything come to where it belongs. */
async function settled(dataDir: string, mongoUri: string | null, inMongo: () => KeptRecords) {
  const from = performance.now()
  const proxy = await startProxy({ dataDir, mongoUri })
  try {
    await eventually('everything in the journal to be stored', () => others(dataDir).length === 0, 180_000, 20)
    const settleMs = performance.now() - from
    await proxy.settled()
    const stored = keptInDatabase(dataDir)
    const times = { epochsLeft: others(dataDir).length, settleMs }
    if (mongoUri === null) return { ...stored, ...times }
    await delivered(proxy.url, 180_000)
    await eventually('the totals in MongoDB', () => inMongo().counted === stored.counted, 60_000, 50)
    expect(new Set(inMongo().kept.map(({ id }) => id))).toEqual(new Set(stored.kept.map(({ id }) => id)))
    return { ...inMongo(), ...times }
  } finally {
    await proxy.stop()
  }
}

/** Epochs other than the newest, which the running process writes. */
const others = (dataDir: string): string[] =>
  entries(join(dataDir, 'journal'))
    .filter((name) => /^[0-9a-f-]{36}$/.test(name))
    .sort()
    .slice(0, -1)

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

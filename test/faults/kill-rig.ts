import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startProxy } from '../support/proxy.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause, signal, within } from '../support/within.ts'
import { keptInDatabase } from './kept.ts'
import { mixedClients } from './kill-clients.ts'
import { killUpstream } from './kill-upstream.ts'
import { type Findings, Ledger } from './ledger.ts'
import { type Seeded, seeded } from './seeded.ts'

/** When a process is killed: while it serves, while it takes up what the last one left, or as soon as it has begun. */
export type KillKind = 'serving' | 'recovering' | 'loop'

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
export async function killCampaign(seed: number, kills: readonly KillKind[], clients = 48): Promise<Campaign> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-kills-'))
  try {
    const ledger = new Ledger()
    await using upstream = await killUpstream((call) => ledger.arrived(call))
    const rig = new Rig(dataDir, upstream.port, ledger, seeded(seed), clients)
    for (const kind of kills) await rig.kill(kind)
    return { kills: kills.length, startMs: rig.startMs, ...(await settled(dataDir, ledger)) }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

class Rig {
  startMs = 0
  #dataDir: string
  #upstreamPort: number
  #ledger: Ledger
  #random: Seeded
  #clients: number
  #calls = 0

  constructor(dataDir: string, upstreamPort: number, ledger: Ledger, random: Seeded, clients: number) {
    this.#dataDir = dataDir
    this.#upstreamPort = upstreamPort
    this.#ledger = ledger
    this.#random = random
    this.#clients = clients
  }

  async kill(kind: KillKind) {
    if (kind === 'loop') await this.#killAtStart()
    else await this.#killUnderLoad(kind === 'serving' ? this.#random.whole(150, 900) : this.#random.whole(0, 150))
  }

  async #killUnderLoad(afterMs: number) {
    const from = performance.now()
    const proxy = await spawnProxy({ dataDir: this.#dataDir, upstreams: { openai: this.#upstreamPort } })
    this.startMs = Math.max(this.startMs, performance.now() - from)
    const seed = this.#random.whole(0, 2 ** 30)
    const clients = mixedClients(proxy.port, this.#clients, this.#ledger, seed, () => `call-${++this.#calls}`)
    await pause(afterMs)
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
        UPSTREAM_OPENAI: `http://127.0.0.1:${this.#upstreamPort}`,
      },
    })
    const said: Buffer[] = []
    child.stderr.on('data', (bytes: Buffer) => said.push(bytes))
    const died = signal<string>()
    const closed = once(child, 'close').then(([code, name]) => died.give(`ended with ${code ?? name}`))
    const born = eventually('a new journal', () => entries(journals).some((name) => !before.has(name)), 15_000, 2)
    const early = await Promise.race([born.then(() => null), died.promise])
    if (early) throw new Error(`the process ${early} by itself:\n${Buffer.concat(said)}`)
    await pause(this.#random.whole(0, 300))
    child.kill('SIGKILL')
    await within(10_000, 'the killed process to end', closed)
  }
}

async function settled(dataDir: string, ledger: Ledger) {
  const from = performance.now()
  const proxy = await startProxy({ dataDir })
  try {
    await eventually('everything in the journal to be stored', () => others(dataDir).length === 0, 60_000, 20)
    const settleMs = performance.now() - from
    await proxy.settled()
    const { kept, counted } = keptInDatabase(dataDir)
    return { ...ledger.compare(kept), counted, epochsLeft: others(dataDir).length, settleMs }
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

import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { type FaultLink, faultLink } from '../support/fault-link.ts'
import { freePort } from '../support/free-port.ts'
import { openFiles, type Sample, watchMemory } from '../support/process-watch.ts'
import type { SmallDisk } from '../support/small-disk.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, pause, within } from '../support/within.ts'
import type { CallKind } from './client-call.ts'
import { delivered, healthOf } from './health.ts'
import { slim } from './kept.ts'
import { mongoTroubles } from './mongo-troubles.ts'
import { type PacedLoad, pacedLoad } from './paced-load.ts'
import { type Seeded, seeded } from './seeded.ts'
import { type Traffic, traffic } from './traffic.ts'

export interface SoakOptions {
  seed: number
  perSecond: number
  dataDir: string
  /** Null: no disk of our own, so it is never full. */
  disk: SmallDisk | null
}

/** What happened, for one line at the end. */
export interface Happened {
  kills: number
  fullDisks: number
  mongoFaults: Record<string, number>
  /** Calls that each process counted as dropped, and as unprotected before it was killed. */
  dropped: number
  unprotected: number
  slowestStartMs: number
}

const once20 = <T>(value: T, times: number): T[] => Array.from({ length: times }, () => value)
const kinds: readonly CallKind[] = [
  ...once20<CallKind>('quick', 20),
  ...once20<CallKind>('json', 30),
  ...once20<CallKind>('stream', 35),
  ...once20<CallKind>('leave', 5),
  ...once20<CallKind>('cut', 3),
  ...once20<CallKind>('reset', 3),
  ...once20<CallKind>('stall', 3),
  'upload',
]

const upstreamKeepsMs = 6_000

/** A proxy under a steady mixed load, with everything around it failing at moments that the seed says. */
export class SoakRig implements AsyncDisposable {
  readonly happened: Happened = {
    kills: 0,
    fullDisks: 0,
    mongoFaults: {},
    dropped: 0,
    unprotected: 0,
    slowestStartMs: 0,
  }
  readonly calls: Traffic
  readonly mongo: FakeMongo
  proxy!: SpawnedProxy
  #options: SoakOptions
  #random: Seeded
  #link: FaultLink
  #port: number
  /** Calls that began before this moment may have met a kill. */
  #upSinceMs = Number.POSITIVE_INFINITY
  #load: PacedLoad | null = null

  static async begin(options: SoakOptions): Promise<SoakRig> {
    const mongo = await fakeMongo(slim)
    const rig = new SoakRig(
      options,
      await traffic(upstreamKeepsMs),
      mongo,
      await faultLink(mongo.port),
      await freePort(),
    )
    await rig.#start()
    return rig
  }

  private constructor(options: SoakOptions, calls: Traffic, mongo: FakeMongo, link: FaultLink, port: number) {
    this.#options = options
    this.#random = seeded(options.seed)
    this.calls = calls
    this.mongo = mongo
    this.#link = link
    this.#port = port
  }

  /** Load and trouble for so long; `kills`: the proxy too is killed. Memory as it was meanwhile. */
  async trouble(seconds: number, kills: boolean): Promise<readonly Sample[]> {
    const untilMs = performance.now() + seconds * 1_000
    this.#load = pacedLoad({
      port: () => this.#port,
      perSecond: this.#options.perSecond,
      kinds,
      ledger: this.calls.ledger,
      nextCall: this.calls.nextCall,
      seed: this.#random.whole(0, 2 ** 30),
      excused: (sinceMs) => sinceMs <= this.#upSinceMs,
    })
    const memory = watchMemory(this.proxy.pid, 500)
    try {
      await Promise.all([this.#mongoTrouble(untilMs), this.#machineTrouble(untilMs, kills), this.#addsUp(untilMs)])
    } finally {
      memory.stop()
      await this.#load.stop()
      this.#load = null
    }
    return memory.samples
  }

  /** The least that is open when nothing happens and every connection that is not needed is gone. */
  async idleFiles(): Promise<{ files: number; sockets: number }> {
    await delivered(this.proxy.url, 180_000)
    const least = { files: Number.POSITIVE_INFINITY, sockets: Number.POSITIVE_INFINITY }
    for (const untilMs = performance.now() + 2 * upstreamKeepsMs; performance.now() < untilMs; await pause(200)) {
      const open = openFiles(this.proxy.pid)
      const sockets = open.filter((path) => path.startsWith('socket:')).length
      least.sockets = Math.min(least.sockets, sockets)
      least.files = Math.min(least.files, open.length - sockets)
    }
    return least
  }

  async settled(): Promise<void> {
    await delivered(this.proxy.url, 300_000)
    await this.#count()
  }

  async [Symbol.asyncDispose]() {
    await this.#load?.stop()
    await this.proxy[Symbol.asyncDispose]()
    await this.#link[Symbol.asyncDispose]()
    await this.mongo[Symbol.asyncDispose]()
    await this.calls[Symbol.asyncDispose]()
  }

  /** One trouble after the other, with quiet times between. */
  async #mongoTrouble(untilMs: number) {
    while (performance.now() < untilMs) {
      await this.#pauseUpTo(untilMs, 500, 6_000)
      const [name, begin, end] = this.#random.pick(mongoTroubles(this.mongo, this.#link))
      this.happened.mongoFaults[name] = (this.happened.mongoFaults[name] ?? 0) + 1
      await begin()
      await this.#pauseUpTo(untilMs, 500, 12_000)
      await end()
    }
  }

  async #machineTrouble(untilMs: number, kills: boolean) {
    while (performance.now() < untilMs) {
      await this.#pauseUpTo(untilMs, 1_500, 8_000)
      if (performance.now() >= untilMs) return
      const { disk } = this.#options
      if (kills && (disk === null || this.happened.kills <= this.happened.fullDisks)) await this.#kill()
      else if (disk !== null) await this.#fullDisk(disk)
    }
  }

  async #fullDisk(disk: SmallDisk) {
    this.happened.fullDisks++
    disk.fill()
    await pause(this.#random.whole(500, 3_000))
    disk.free()
    // only then what it counts is final
    await eventually('the journal to be well', async () => (await this.#journal()) === 'ok', 90_000, 50)
  }

  async #journal(): Promise<string | undefined> {
    return (await healthOf(this.proxy.url)).services.journal?.state
  }

  async #kill() {
    await this.#count()
    this.happened.kills++
    this.#upSinceMs = Number.POSITIVE_INFINITY
    process.kill(this.proxy.pid, 'SIGKILL')
    await within(20_000, 'the killed process to end', this.proxy.exited)
    await this.#start()
  }

  async #start() {
    const { dataDir } = this.#options
    const fromMs = performance.now()
    this.proxy = await spawnProxy({
      dataDir,
      upstreams: { openai: this.calls.upstream.port },
      env: {
        PORT: String(this.#port),
        MONGO_URI: `mongodb://127.0.0.1:${this.#link.port}/?directConnection=true`,
        DB_NAME: 'db',
      },
      startMs: 60_000,
    })
    this.#upSinceMs = performance.now()
    this.happened.slowestStartMs = Math.max(this.happened.slowestStartMs, this.#upSinceMs - fromMs)
  }

  /** What this process dropped, and what a kill now might cost. */
  async #count() {
    const { records } = await healthOf(this.proxy.url)
    this.happened.dropped += records.dropped
    this.happened.unprotected += records.unprotected
  }

  /** The counters, each second. */
  async #addsUp(untilMs: number) {
    while (performance.now() < untilMs) {
      await pause(1_000)
      const isUp = Number.isFinite(this.#upSinceMs)
      await healthOf(this.proxy.url).catch((error: unknown) => {
        if (isUp && String(error).includes('add up')) throw error
      })
    }
  }

  #pauseUpTo(untilMs: number, low: number, high: number): Promise<void> {
    return pause(Math.max(0, Math.min(this.#random.whole(low, high), untilMs - performance.now())))
  }
}

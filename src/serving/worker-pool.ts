import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BudgetState, DiskUse } from '../journal/disk-budget.ts'
import type { JournalCounters } from '../journal/journal.ts'
import { newEpoch } from '../journal/writer.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Settings } from '../settings/settings.ts'
import type { DataPlane, OwnRequests, PlaneStatus } from './data-plane.ts'
import { type OwnSocket, openOwnSocket } from './own-requests.ts'
import type { FromWorker, ToWorker, WorkerBegin, WorkerFailure } from './worker-messages.ts'

export interface WorkerPoolParts {
  settings: Settings
  pepper: string
  use: DiskUse
  /** The entry of a worker's process. */
  entry: URL
  /** The journal of one of them was written to. */
  wake: () => void
  /** Other epochs than before are being written. */
  changed: (epochs: readonly string[]) => void
  clock: Clock
  log: Log
}

/**
 * Serves calls in several processes on one port, each with an epoch of the journal of its own. One that dies is started again;
 * its calls are cut, and the recorder stores them as interrupted.
 */
export async function openWorkerPool(parts: WorkerPoolParts): Promise<DataPlane> {
  const pool = new WorkerPool(parts)
  await pool.begin()
  return pool
}

/** One process, from its start to its death. */
interface Member {
  worker: Worker
  epoch: string
  /** The last that it told. */
  status: PlaneStatus
  refusing: boolean
  isServing: boolean
  startedAtMs: number
  /** What somebody waits for it to say. */
  waiting: { type: FromWorker['type']; resolve(message: FromWorker): void; reject(error: Error): void }[]
  ended: Promise<void>
}

class WorkerPool implements DataPlane {
  #parts: WorkerPoolParts
  #members: Member[] = []
  /** What those who died had counted. */
  #past: JournalCounters = none
  #use: DiskUse
  #own: OwnSocket | null = null
  #self: OwnRequests = () => {}
  #port = 0
  #isListening = false
  #isStopping = false
  #restarts = new Set<NodeJS.Timeout>()
  #deaths = 0

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts
    this.#use = parts.use
  }

  async begin(): Promise<void> {
    cluster.setupPrimary({ exec: fileURLToPath(this.#parts.entry), args: [], serialization: 'advanced' })
    this.#port = await freePort(this.#parts.settings)
    this.#own = await openOwnSocket((request, response) => this.#self(request, response))
    try {
      await Promise.all(Array.from({ length: this.#parts.settings.workers }, () => this.#start()))
    } catch (error) {
      this.#isStopping = true
      for (const { worker } of this.#members) worker.kill('SIGKILL')
      this.#own.close()
      throw error
    }
  }

  get epochs(): readonly string[] {
    return this.#members.map(({ epoch }) => epoch)
  }

  looked(use: DiskUse) {
    this.#use = use
    for (const member of this.#members) tell(member, { type: 'disk', use })
  }

  refusing(): boolean {
    return this.#members.length > 0 && this.#members.every(({ refusing }) => refusing)
  }

  async status(): Promise<PlaneStatus> {
    await Promise.all(this.#members.map((member) => this.#asked(member)))
    const all = this.#members.map(({ status }) => status)
    return {
      counters: all.reduce((sum, { counters }) => added(sum, counters), this.#past),
      state: all.map(({ state }) => state).reduce(worse, 'free'),
      active: all.reduce((sum, { active }) => sum + active, 0),
      workers: {
        wanted: this.#parts.settings.workers,
        serving: this.#members.filter(({ isServing }) => isServing).length,
      },
    }
  }

  async listen(self: OwnRequests) {
    this.#self = self
    this.#isListening = true
    const [first] = await Promise.all(this.#members.map((member) => this.#listen(member)))
    return first!
  }

  async idle() {
    while ((await this.status()).active > 0) await delay(20)
  }

  async drain(delayMs: number, hurry: Promise<void>) {
    this.#isStopping = true
    for (const timer of this.#restarts) clearTimeout(timer)
    hurry.then(() => {
      for (const member of this.#members) tell(member, { type: 'hurry' })
    })
    const drained = this.#members.map((member) => {
      tell(member, { type: 'drain', delayMs })
      return Promise.race([heard(member, 'drained').catch(() => {}), member.ended]) // one that died has nothing left to drain
    })
    await Promise.all(drained)
  }

  cut() {
    for (const member of this.#members) tell(member, { type: 'cut' })
  }

  async end() {
    this.#isStopping = true
    await Promise.all(
      this.#members.map(async (member) => {
        tell(member, { type: 'end' })
        const late = setTimeout(() => member.worker.kill('SIGKILL'), endMs)
        await member.ended
        clearTimeout(late)
      }),
    )
    this.#own?.close()
    this.#own = null
  }

  async #start(): Promise<Member> {
    const { settings, pepper, clock } = this.#parts
    const epoch = newEpoch(clock)
    const worker = cluster.fork()
    const died = Promise.withResolvers<void>()
    const member: Member = {
      worker,
      epoch,
      status: { counters: none, state: 'free', active: 0, workers: null },
      refusing: false,
      isServing: false,
      startedAtMs: clock.mono(),
      waiting: [],
      ended: died.promise,
    }
    this.#members.push(member)
    this.#parts.changed(this.epochs) // the recorder knows of an epoch before it is there
    worker.on('message', (message: FromWorker) => this.#take(member, message))
    worker.on('error', (error) => this.#fail(member, error)) // a message that could not be sent: its exit tells the rest
    worker.once('exit', (code, signal) => {
      this.#gone(member, new Error(`a worker ended with ${signal ?? `code ${code}`}`))
      died.resolve()
    })
    const begin: WorkerBegin = {
      settings,
      pepper,
      use: this.#use,
      epoch,
      planes: settings.workers,
      port: this.#port,
      ownSocket: this.#own!.path,
    }
    tell(member, { type: 'begin', begin })
    await orKilled(member, heard(member, 'opened'))
    return member
  }

  async #listen(member: Member): Promise<{ address: string; port: number }> {
    tell(member, { type: 'listen' })
    const { address, port } = (await orKilled(member, heard(member, 'listening'))) as FromWorker & { type: 'listening' }
    member.isServing = true
    return { address, port }
  }

  async #asked(member: Member): Promise<void> {
    const answered = new AbortController()
    tell(member, { type: 'status' })
    const answer = heard(member, 'status').catch(() => {}) // the last that it told counts on
    await Promise.race([answer, delay(answerMs, null, { ref: false, signal: answered.signal }).catch(() => {})])
    answered.abort()
  }

  #take(member: Member, message: FromWorker) {
    if (message.type === 'grew') this.#parts.wake()
    else if (message.type === 'failed') this.#fail(member, revived(message.failure))
    else {
      if (message.type === 'status') {
        member.status = message.status
        member.refusing = message.refusing
      }
      const waiting = member.waiting.filter(({ type }) => type === message.type)
      member.waiting = member.waiting.filter(({ type }) => type !== message.type)
      for (const { resolve } of waiting) resolve(message)
    }
  }

  #fail(member: Member, error: Error) {
    for (const { reject } of member.waiting.splice(0)) reject(error)
  }

  #gone(member: Member, error: Error) {
    this.#members = this.#members.filter((one) => one !== member)
    this.#past = added(this.#past, member.status.counters)
    this.#fail(member, error)
    this.#parts.changed(this.epochs)
    if (this.#isStopping || !member.isServing) return
    const { clock, log } = this.#parts
    if (clock.mono() - member.startedAtMs > settledMs) this.#deaths = 0
    const waitMs = Math.min(firstRestartMs * 2 ** this.#deaths++, lastRestartMs)
    log.error('a worker died; its calls were cut, and the others serve on', { error, againInMs: waitMs })
    this.#again(waitMs)
  }

  #again(waitMs: number) {
    const timer = setTimeout(async () => {
      this.#restarts.delete(timer)
      try {
        const member = await this.#start()
        if (this.#isListening) await this.#listen(member)
      } catch (error) {
        if (this.#isStopping) return
        this.#parts.log.error('a worker could not be started again', { error, againInMs: lastRestartMs })
        this.#again(lastRestartMs)
      }
    }, waitMs)
    timer.unref()
    this.#restarts.add(timer)
  }
}

/** The port of the settings, once it is known that nobody else listens there: workers would share it with whoever does. */
async function freePort({ host, port }: Settings): Promise<number> {
  const probe = createServer().listen({ host, port, exclusive: true })
  await once(probe, 'listening')
  const { port: found } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return found
}

function tell({ worker }: Member, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message)
}

const heard = (member: Member, type: FromWorker['type']): Promise<FromWorker> =>
  new Promise((resolve, reject) => member.waiting.push({ type, resolve, reject }))

/** A worker that failed at its start is of no use. */
async function orKilled<T>({ worker }: Member, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    worker.kill('SIGKILL')
    throw error
  }
}

const revived = ({ message, code, syscall }: WorkerFailure): Error =>
  Object.assign(new Error(message), { ...(code !== null && { code }), ...(syscall !== null && { syscall }) })

function added(one: JournalCounters, other: JournalCounters): JournalCounters {
  return {
    accepted: one.accepted + other.accepted,
    unprotected: one.unprotected + other.unprotected,
    dropped: one.dropped + other.dropped,
    droppedCalls: one.droppedCalls + other.droppedCalls,
    leanCalls: one.leanCalls + other.leanCalls,
    bytes: one.bytes + other.bytes,
    writes: one.writes + other.writes,
    failedWrites: one.failedWrites + other.failedWrites,
    stalled: one.stalled || other.stalled,
  }
}

const none: JournalCounters = {
  accepted: 0,
  unprotected: 0,
  dropped: 0,
  droppedCalls: 0,
  leanCalls: 0,
  bytes: 0,
  writes: 0,
  failedWrites: 0,
  stalled: false,
}

const states: readonly BudgetState[] = ['free', 'lean', 'full']
const worse = (one: BudgetState, other: BudgetState): BudgetState =>
  states[Math.max(states.indexOf(one), states.indexOf(other))]!

const answerMs = 1_000
const endMs = 10_000
const firstRestartMs = 200
const lastRestartMs = 30_000
/** A worker that lived so long did not die of its start. */
const settledMs = 60_000

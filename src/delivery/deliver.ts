import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { attempt, Cut, Late } from './attempt.ts'
import { backOffMs } from './back-off.ts'
import { type BatchLimits, BatchSize } from './batch-size.ts'
import type { Line, OutboxRecord, PurgesLine, RefusedRecord, TotalsLine } from './outbox.ts'
import { SinkPurges } from './purging.ts'
import { type Purger, Refused, type Sink, type TotalsTaker } from './sink.ts'
import type { SinkState } from './sink-status.ts'

export interface DeliveryOptions<Item> {
  /** Totals go to a sink that takes them, and purges to one that deletes, from an outbox that has them. */
  sink: Sink<Item> & Partial<TotalsTaker & Purger>
  outbox: Line<Item> & Partial<TotalsLine & PurgesLine>
  log: Pick<Log, 'info' | 'warn' | 'error'>
  clock: Clock
  /** From 0 up to 1. */
  random(): number
  /** Resolves after so long, or when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Resolves when records were stored since it last did, or after so long, or when the signal aborts. */
  grown(ms: number, signal: AbortSignal): Promise<void>
  /** Told when the sink's state is another one. */
  changed?: (state: SinkState) => void
  limits?: Partial<DeliveryLimits>
}

export interface DeliveryLimits extends BatchLimits {
  /** How long records gather once there is one. */
  gatherMs: number
  /** Look for records at least so often. */
  pollMs: number
  deadlineMs: number
  abandonMs: number
  backOffFirstMs: number
  backOffLastMs: number
  /** Totals are sent in such pages, and while records keep coming at most so often. */
  rollups: number
  rollupsEveryMs: number
  /** While there is nothing to deliver, the sink is asked so often whether it is there. */
  checkEveryMs: number
  /** Failures in a row until it is told. */
  tellAfter: number
}

export interface Delivery {
  /** Delivers until `stop`, then what is there, as long as the sink takes it. */
  run(): Promise<void>
  stop(): void
  /** Ends at once; what was not settled is delivered again at the next start. */
  cut(): void
  state(): SinkState
}

/** Brings records from the outbox to one sink, in order, each counted once; whatever fails is tried again for ever. */
export function createDelivery<Item>(options: DeliveryOptions<Item>): Delivery {
  return new SinkDelivery(options)
}

const usual: DeliveryLimits = {
  records: 1_000,
  bytes: 8 * 1024 * 1024,
  probeRecords: 10,
  gatherMs: 250,
  pollMs: 5_000,
  deadlineMs: 20_000,
  abandonMs: 60_000,
  backOffFirstMs: 1_000,
  backOffLastMs: 30_000,
  rollups: 500,
  rollupsEveryMs: 2_000,
  checkEveryMs: 10_000,
  tellAfter: 1,
}

/** `more`: go on at once. `some`: let records gather. `idle`: nothing was there. */
type Step = 'more' | 'some' | 'idle' | 'failed'

class SinkDelivery<Item> implements Delivery {
  #options: DeliveryOptions<Item>
  #limits: DeliveryLimits
  #name: string
  #size: BatchSize
  #purges: SinkPurges
  #stop = new AbortController()
  #cut = new AbortController()
  #failures = 0
  #reached = false
  #failing: { sinceMs: number; error: unknown } | null = null
  #rollupsAtMs = Number.NEGATIVE_INFINITY
  #heardAtMs = Number.NEGATIVE_INFINITY

  constructor(options: DeliveryOptions<Item>) {
    this.#options = options
    this.#limits = { ...usual, ...options.limits }
    this.#name = options.sink.name
    this.#size = new BatchSize(this.#limits)
    this.#purges = new SinkPurges({ ...options, within: (work) => this.#within(work) })
  }

  async run() {
    const { sleep, grown } = this.#options
    const { gatherMs, pollMs, backOffFirstMs, backOffLastMs } = this.#limits
    const stop = this.#stop.signal
    while (!this.#cut.signal.aborted) {
      const step = await this.#step()
      if (stop.aborted && (step === 'idle' || step === 'failed')) return
      if (stop.aborted || step === 'more') continue
      if (step === 'failed') {
        await sleep(backOffMs(this.#failures, backOffFirstMs, backOffLastMs, this.#options.random()), stop)
        if (stop.aborted) return
        continue
      }
      if (step === 'idle') await grown(pollMs, stop)
      await sleep(gatherMs, stop)
    }
  }

  stop() {
    this.#stop.abort()
  }

  cut() {
    this.#stop.abort()
    this.#cut.abort(new Cut(`the delivery to ${this.#name} is ended`))
  }

  state(): SinkState {
    if (this.#failing === null) return { state: 'ok', code: null, since_ms: null }
    const { error, sinceMs } = this.#failing
    return { state: this.#size.probing ? 'down' : 'degraded', code: codeOf(error), since_ms: sinceMs }
  }

  async #step(): Promise<Step> {
    const { outbox, clock } = this.#options
    try {
      if (await this.#purges.step()) {
        this.#succeeded()
        return 'more'
      }
      const batch = outbox.next(this.#name, this.#size.now())
      const full = this.#size.isFull(batch)
      if (batch.length > 0) await this.#deliver(batch, full)
      const due = clock.mono() - this.#rollupsAtMs >= this.#limits.rollupsEveryMs
      const shipped = (!full || due) && (await this.#shipRollups())
      const checked = batch.length === 0 && !shipped && (await this.#check())
      if (batch.length > 0 || shipped || checked) this.#succeeded()
      if (full) return 'more'
      if (batch.length > 0) return 'some'
      return shipped ? 'more' : 'idle'
    } catch (error) {
      if (this.#cut.signal.aborted) return 'failed'
      this.#failed(error)
      return 'failed'
    }
  }

  async #deliver(batch: readonly OutboxRecord<Item>[], more: boolean): Promise<void> {
    const { sink, outbox } = this.#options
    const upTo = batch.at(-1)!.place
    const records = batch.map(({ record }) => record)
    const written = this.#within((signal) => sink.write(records, signal))
    if (more) setImmediate(() => this.#readAhead(upTo))
    try {
      await written
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const refused = refusedOf(batch, error)
      if (refused === null) {
        this.#size.isolate(batch)
        return
      }
      this.#options.log.warn('a sink refused records: they are kept in quarantine', {
        sink: this.#name,
        records: refused.length,
        first: refused[0],
      })
      outbox.settle(this.#name, upTo, refused)
      this.#size.found()
      this.#size.passed(upTo)
      return
    }
    outbox.settle(this.#name, upTo, [])
    this.#size.passed(upTo)
  }

  /** While the sink works. Should this fail, so does the reading when its turn comes. */
  #readAhead(after: number): void {
    try {
      if (!this.#cut.signal.aborted) this.#options.outbox.ahead?.(this.#name, after, this.#size.now())
    } catch {
      // told then
    }
  }

  /** One page of totals; false: there was none. */
  async #shipRollups(): Promise<boolean> {
    const { sink, outbox, log, clock } = this.#options
    if (!takesTotals(sink) || !hasTotals(outbox)) return false
    const changed = outbox.changedRollups(this.#name, this.#limits.rollups)
    this.#rollupsAtMs = clock.mono()
    if (changed.length === 0) return false
    try {
      await this.#within((signal) =>
        sink.writeRollups(
          changed.map(({ row }) => row),
          signal,
        ),
      )
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      log.error('a sink refused totals: they come again when they change', { sink: this.#name, error })
    }
    outbox.settleRollups(this.#name, changed.at(-1)!.version)
    return true
  }

  async #check(): Promise<boolean> {
    const { sink, clock } = this.#options
    const { check } = sink
    if (check === undefined || this.#stop.signal.aborted) return false
    const isQuiet = clock.mono() - this.#heardAtMs >= this.#limits.checkEveryMs
    if (!isQuiet && this.#failing === null) return false
    await this.#within((signal) => check.call(sink, signal))
    return true
  }

  #within(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { deadlineMs, abandonMs } = this.#limits
    return attempt(work, { deadlineMs, abandonMs, sleep: this.#options.sleep, cut: this.#cut.signal })
  }

  #failed(error: unknown) {
    const { log, clock } = this.#options
    this.#failures++
    this.#size.failed(error instanceof Late)
    const sinceMs = this.#failing?.sinceMs ?? clock.wall()
    this.#failing = { sinceMs, error }
    const fields = { sink: this.#name, error, pending: this.#pending(), failures: this.#failures }
    const { tellAfter } = this.#limits
    if (this.#failures === tellAfter) log.warn('a sink takes nothing; records wait in the embedded database', fields)
    else if (this.#failures > tellAfter && Number.isInteger(Math.log2(this.#failures)))
      log.info('a sink still takes nothing; trying on', fields)
    this.#options.changed?.(this.state())
  }

  #succeeded() {
    this.#heardAtMs = this.#options.clock.mono()
    this.#size.answered()
    const first = !this.#reached
    this.#reached = true
    if (this.#failing === null) {
      if (first) this.#options.changed?.(this.state())
      return
    }
    const awayMs = this.#options.clock.wall() - this.#failing.sinceMs
    const fields = { sink: this.#name, awayMs, failures: this.#failures, pending: this.#pending() }
    this.#failures = 0
    this.#failing = null
    if (fields.failures >= this.#limits.tellAfter) this.#options.log.info('a sink takes records again', fields)
    this.#options.changed?.(this.state())
  }

  #pending(): number | null {
    try {
      return this.#options.outbox.counters(this.#name).pending
    } catch {
      return null // the embedded database is what failed; that is logged by whom it failed
    }
  }
}

/** What to put aside. Null: the batch was refused as a whole, and must be taken apart to find out. */
function refusedOf(batch: readonly OutboxRecord<unknown>[], error: Refused): readonly RefusedRecord[] | null {
  const byId = new Map(error.refused.map((one) => [one.id, one]))
  const refused = batch.flatMap(({ place, id }) => {
    const one = byId.get(id)
    return one === undefined ? [] : [{ place, id: one.id, code: one.code, message: one.message }]
  })
  if (refused.length > 0) return refused
  const [only, ...others] = batch
  if (only === undefined || others.length > 0) return null
  return [{ place: only.place, id: only.id, code: 'refused', message: error.message }]
}

const takesTotals = <Of extends object>(sink: Of & Partial<TotalsTaker>): sink is Of & TotalsTaker =>
  'writeRollups' in sink
const hasTotals = <Of extends object>(outbox: Of & Partial<TotalsLine>): outbox is Of & TotalsLine =>
  'changedRollups' in outbox

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const { code } = error as { code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? `${error.name} ${code}` : error.name
}

import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { OutboxRecord } from './outbox.ts'
import type { SinkState } from './sink-status.ts'

/** Where records also go while their sink is away, for people to read. */
export interface Fallback {
  readonly directory: string
  /** Nothing behind this place in the outbox was appended yet. */
  place(): number
  /** Appends the records that were not yet; returns how many. When it throws, none counts as appended. */
  append(records: readonly Pick<OutboxRecord, 'place' | 'record'>[]): number
  appendEvent(event: ConnectionEvent): void
}

/** Something that happened to the connection with a sink. */
export interface ConnectionEvent {
  atMs: number
  /** `lost`, `reconnected` … */
  event: string
  status: 'success' | 'error'
  details: Readonly<Record<string, unknown>>
}

export interface FallbackDeliveryOptions {
  sink: string
  fallback: Fallback
  /** The next records behind this place that the sink does not have either, oldest first. */
  behind(place: number): readonly OutboxRecord[]
  log: Pick<Log, 'info' | 'warn'>
  clock: Pick<Clock, 'wall'>
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface FallbackDelivery {
  /** To be told whenever the sink's state is another one. */
  changed(state: SinkState): void
  /** Appends while the sink is away, until `stop`; then once more what is there. */
  run(): Promise<void>
  stop(): void
}

/** Appends to the fallback what waits for a sink that is away: from the opening of its circuit until it takes records again. */
export function createFallbackDelivery(options: FallbackDeliveryOptions): FallbackDelivery {
  const { sink, fallback, behind, log, clock, sleep } = options
  const stopped = new AbortController()
  const events: ConnectionEvent[] = []
  let woken = Promise.withResolvers<void>()
  let away = false
  let records = 0
  let failing = false

  const pass = (): boolean => {
    let more = false
    for (let event = events[0]; event !== undefined; event = events[0]) {
      fallback.appendEvent(event)
      events.shift()
    }
    if (away) {
      const batch = behind(fallback.place())
      records += fallback.append(batch)
      more = batch.length > 0
    }
    if (failing) log.info('the CSV fallback takes records again', { directory: fallback.directory })
    failing = false
    return more
  }

  const passOrWarn = (): boolean => {
    try {
      return pass()
    } catch (error) {
      const { directory } = fallback
      if (!failing) log.warn('the CSV fallback takes nothing; records still wait for their sink', { directory, error })
      failing = true
      return false
    }
  }

  return {
    changed({ state, code }) {
      const isAway = state === 'down'
      if (isAway === away || state === 'degraded') return
      away = isAway
      const { directory } = fallback
      if (away) log.warn('a sink is away: records are also written to CSV files', { sink, directory, code })
      else log.info('a sink is back: records are no longer written to CSV files', { sink, directory, records })
      events.push({
        atMs: clock.wall(),
        event: away ? 'lost' : 'reconnected',
        status: away ? 'error' : 'success',
        details: away ? { sink, code } : { sink, records },
      })
      records = 0
      woken.resolve()
      woken = Promise.withResolvers()
    },
    async run() {
      while (!stopped.signal.aborted) {
        const { promise } = woken
        if (passOrWarn()) await sleep(0, stopped.signal)
        else if (away || events.length > 0) await Promise.race([sleep(pollMs, stopped.signal), promise])
        else await promise
      }
      while (passOrWarn());
    },
    stop() {
      stopped.abort()
      woken.resolve()
    },
  }
}

const pollMs = 1_000

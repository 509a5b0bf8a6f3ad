import type { Outbox } from '../delivery/outbox.ts'
import type { PurgingSink } from '../delivery/sink.ts'
import { targetOf } from '../delivery/target.ts'
import type { Clock } from '../lib/clock.ts'
import { type MongoSinkOptions, openMongoSink } from './mongodb/index.ts'
import { openOutbox } from './sqlite/outbox.ts'

/** A step of what waits for a sink, without the delivery around it; false: nothing waits. */
export async function purgeStep(
  outbox: Pick<Outbox, 'nextPurge' | 'settlePurge'>,
  sink: PurgingSink,
  signal: AbortSignal,
): Promise<boolean> {
  const purge = outbox.nextPurge(sink.name)
  if (purge === null) return false
  const { counts, done } = await sink.purge(purge, signal)
  outbox.settlePurge(sink.name, purge, counts, done)
  return true
}

export interface MongoPurgesOptions
  extends Pick<MongoSinkOptions, 'uri' | 'database' | 'pepperId' | 'retention' | 'bodiesDays' | 'log'> {
  /** The embedded database's file. */
  path: string
  clock: Pick<Clock, 'wall'>
}

/** The MongoDB of a data directory whose proxy does not run, for purges alone. */
export function openMongoPurges({ path, clock, ...mongo }: MongoPurgesOptions) {
  const outbox = openOutbox({
    path,
    sinks: [{ name: 'mongodb', target: targetOf(mongo.uri, mongo.database) }],
    clock,
  })
  const sink = openMongoSink({ ...mongo, instance: outbox.instance })
  return {
    /** False: nothing waits. Rejects when MongoDB takes nothing. */
    step: (signal: AbortSignal) => purgeStep(outbox, sink, signal),
    async close() {
      await sink.close()
      outbox.close()
    },
  }
}

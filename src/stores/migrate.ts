import type { Line } from '../delivery/outbox.ts'
import { type PurgingSink, Refused, type RefusedId, type RollupSink, type Sink } from '../delivery/sink.ts'
import { targetOf } from '../delivery/target.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { diaryCollections } from '../records/diary-entry.ts'
import { type MongoSinkOptions, openMongoSink } from './mongodb/index.ts'
import { purgeStep } from './purge-sink.ts'
import { openDiary } from './sqlite/diary.ts'
import { finishPurges } from './sqlite/finish-purges.ts'
import { type LocalOutbox, openOutbox } from './sqlite/outbox.ts'

export interface MigrationOptions
  extends Pick<MongoSinkOptions, 'uri' | 'database' | 'pepperId' | 'retention' | 'bodiesDays'> {
  /** The embedded database's file. */
  path: string
  clock: Pick<Clock, 'wall'>
  log: Log
  /** Told after each batch. */
  progress(progress: MigrationProgress): void
}

export interface MigrationProgress {
  step: 'records' | 'totals' | 'events'
  /** In this run. */
  sent: number
  /** Records that are still to be sent. */
  pending: number
}

export interface MigrationReport {
  /** In this run. */
  records: number
  totals: number
  /** Events of connections, and sums of hours. */
  events: number
  /** In this run: put aside for what is in them. */
  refused: readonly RefusedId[]
  /** Over all runs: accepted = stored + pending + quarantined + dropped. */
  counters: ReturnType<LocalOutbox['counters']>
}

/** MongoDB took nothing: it is away, or refuses us. What was sent until then is there. */
export class MigrationStopped extends Error {
  override name = 'MigrationStopped'
}

/**
 * Sends what the embedded database holds to MongoDB: the records, oldest first, then the totals, then events and hours. Its
 * places in line are those that a proxy with this MongoDB uses: what is there already is passed over, a run that was ended is gone on with, and the
 * proxy goes on where this ends.
 */
export async function migrateToMongo(options: MigrationOptions): Promise<MigrationReport> {
  const { path, uri, database, pepperId = null, retention = {}, bodiesDays = 0, clock, log } = options
  finishPurges(path, clock.wall())
  const target = targetOf(uri, database)
  const outbox = openOutbox({ path, sinks: [{ name, target }], clock })
  const { instance } = outbox
  const diary = openDiary(path)
  const sink = openMongoSink({ uri, database, instance, pepperId, retention, bodiesDays, log })
  try {
    await carryOutPurges(outbox, sink)
    const records = await sendAll(outbox, sink, (sent) =>
      options.progress({ step: 'records', sent, pending: outbox.counters(name).pending }),
    )
    const totals = await sendTotals(outbox, sink, options)
    const events: Sent[] = []
    for (const collection of diaryCollections)
      events.push(
        await sendAll(diary.line({ collection, sink: name, target, instance, clock }), sink.diary(collection), (sent) =>
          options.progress({ step: 'events', sent, pending: 0 }),
        ),
      )
    return {
      records: records.sent,
      totals: totals.sent,
      events: events.reduce((sum, { sent }) => sum + sent, 0),
      refused: [records, totals, ...events].flatMap(({ refused }) => refused),
      counters: outbox.counters(name),
    }
  } finally {
    await sink.close()
    diary.close()
    outbox.close()
  }
}

/** What was asked to be deleted comes before everything else. */
async function carryOutPurges(outbox: LocalOutbox, sink: PurgingSink): Promise<void> {
  try {
    while (await purgeStep(outbox, sink, AbortSignal.timeout(deadlineMs)));
  } catch (error) {
    throw new MigrationStopped(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Sends the totals that MongoDB has not taken since they changed, to where the records went; the records stay where they are. */
export async function resendTotals(options: Omit<MigrationOptions, 'progress'>): Promise<number> {
  const { path, uri, database, pepperId = null, retention = {}, bodiesDays = 0, clock, log } = options
  const outbox = openOutbox({ path, sinks: [{ name, target: targetOf(uri, database) }], clock })
  const sink = openMongoSink({ uri, database, instance: outbox.instance, pepperId, retention, bodiesDays, log })
  try {
    return (await sendTotals(outbox, sink, { progress() {} })).sent
  } finally {
    await sink.close()
    outbox.close()
  }
}

/** As `deliverer.ts` names it. */
const name = 'mongodb'
const batch = { records: 1_000, bytes: 8 * 1024 * 1024 }
const totalsAtOnce = 500
const deadlineMs = 60_000

interface Sent {
  sent: number
  refused: readonly RefusedId[]
}

async function sendAll<Item>(line: Line<Item>, sink: Sink<Item>, told: (sent: number) => void): Promise<Sent> {
  const put: RefusedId[] = []
  let sent = 0
  for (;;) {
    const next = line.next(name, batch)
    const last = next.at(-1)
    if (last === undefined) return { sent, refused: put }
    const items = next.map(({ record }) => record)
    const refused = await refusals(() => sink.write(items, AbortSignal.timeout(deadlineMs)))
    const byId = new Map(refused.map((one) => [one.id, one]))
    const aside = next.flatMap(({ place, id }) => {
      const one = byId.get(id)
      return one === undefined ? [] : [{ place, ...one }]
    })
    line.settle(name, last.place, aside)
    put.push(...refused)
    sent += next.length - aside.length
    told(sent)
  }
}

async function sendTotals(
  outbox: LocalOutbox,
  sink: RollupSink,
  { progress }: Pick<MigrationOptions, 'progress'>,
): Promise<Sent> {
  const put: RefusedId[] = []
  let sent = 0
  for (;;) {
    const changed = outbox.changedRollups(name, totalsAtOnce)
    const last = changed.at(-1)
    if (last === undefined) return { sent, refused: put }
    const rows = changed.map(({ row }) => row)
    const refused = await refusals(() => sink.writeRollups(rows, AbortSignal.timeout(deadlineMs)))
    outbox.settleRollups(name, last.version)
    put.push(...refused)
    sent += rows.length - refused.length
    progress({ step: 'totals', sent, pending: 0 })
  }
}

/** Those that were refused one by one; a batch that was refused whole says nothing of what it held, and ends the run. */
async function refusals(write: () => Promise<void>): Promise<readonly RefusedId[]> {
  try {
    await write()
    return []
  } catch (error) {
    if (error instanceof Refused && error.refused.length > 0) return error.refused
    throw new MigrationStopped(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

import type { PurgeProgress } from '../../delivery/sink.ts'
import type { Purge } from '../../records/purge.ts'
import { levelNames, purgedLevels, spanOf } from '../rollups/levels.ts'
import type { Collection, Db, Document } from './driver.ts'
import { equal, period } from './filters.ts'

/** At most so many documents of each collection go in one step. */
const stepDocuments = 1_000

/**
 * Deletes some of what a purge is about: of calls and of what was said in them whatever instance recorded it, of totals those
 * of this instance alone, as they were before the purge. What was said goes first, so that a call is found again until all of
 * it is gone.
 */
export async function purgeSome(db: Db, instance: string, purge: Purge, signal: AbortSignal): Promise<PurgeProgress> {
  if (purge.dry) return { counts: await counted(db, instance, purge, signal), done: true }
  const [telemetry, runs, rollups] = [
    collection(db, 'telemetry'),
    collection(db, 'llm_runs'),
    collection(db, 'rollups'),
  ]
  const calls = await idsOf(telemetry, callsOf(purge), signal)
  const counts = { telemetry: 0, llm_runs: await removed(runs, calls), rollups: 0 }
  counts.telemetry = await removed(telemetry, calls)
  if (calls.length === stepDocuments) return { counts, done: false }
  const said = await idsOf(runs, runsOf(purge), signal) // those whose calls went before
  counts.llm_runs += await removed(runs, said)
  if (said.length === stepDocuments) return { counts, done: false }
  const totals = await idsOf(rollups, totalsOf(instance, purge), signal)
  counts.rollups = await removed(rollups, totals)
  return { counts, done: totals.length < stepDocuments }
}

async function counted(db: Db, instance: string, purge: Purge, signal: AbortSignal): Promise<PurgeProgress['counts']> {
  const count = (name: string, filter: Document): Promise<number> =>
    collection(db, name).countDocuments(filter, { signal })
  return {
    telemetry: await count('telemetry', callsOf(purge)),
    llm_runs: await count('llm_runs', runsOf(purge)),
    rollups: await count('rollups', totalsOf(instance, purge)),
  }
}

const callsOf = ({ project, user, boundMs }: Purge): Document => ({
  ...equal({ 'metadata.project_id': project, 'metadata.user_id': user }),
  ...period('timestamp', undefined, boundMs),
})

const runsOf = ({ project, user, boundMs }: Purge): Document => ({
  ...equal({ project_id: project, soeid: user }),
  ...period('timestamp', undefined, boundMs),
})

/** Newer versions hold calls of after the purge, and nothing else any more. */
const totalsOf = (instance: string, purge: Purge): Document => {
  const { project, user, beforeMs, boundMs, place } = purge
  const levels = purgedLevels(purge)
  const ended = (ms: number) =>
    levels.map((level) => ({ level: { $eq: level }, ...period('start', undefined, ms - spanOf(level) + 1) }))
  return {
    ...equal({ instance, project, owner: user }),
    version: { $lte: place },
    ...(beforeMs !== null
      ? { $or: ended(boundMs) }
      : levels.length < levelNames.length
        ? { level: { $in: [...levels] } }
        : {}),
  }
}

type Ours = Collection<{ _id: string }>
const collection = (db: Db, name: string): Ours => db.collection<{ _id: string }>(name)

async function idsOf(from: Ours, filter: Document, signal: AbortSignal): Promise<readonly string[]> {
  signal.throwIfAborted()
  const found = await from.find(filter, { projection: { _id: 1 }, limit: stepDocuments, signal }).toArray()
  return found.map(({ _id }) => _id)
}

const removed = async (from: Ours, ids: readonly string[]): Promise<number> =>
  ids.length === 0 ? 0 : (await from.deleteMany({ _id: { $in: [...ids] } })).deletedCount

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../settings/settings.ts'
import type { MigrationProgress, MigrationReport } from '../stores/migrate.ts'
import { StoreUnusable } from '../stores/sqlite/database.ts'
import { DirectoryLocked, lockDirectory } from '../stores/sqlite/lock.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { mongoTarget } from './mongo-target.ts'
import { settingOptions } from './options.ts'
import { filterOptions } from './question.ts'
import { readSettings } from './settings.ts'
import { countText, durationText, oneLine, rateText } from './text.ts'

export const migrate: Command = {
  details: `Sends all records and totals of the data directory to the MongoDB that the settings name (MONGO_URI, DB_NAME), while no proxy works in that directory. A proxy that is started with MONGO_URI does the same by itself, beside its calls.

It may be ended and started again: it goes on where it was, and nothing is stored twice. What a crash left in the journal comes with the next start of the proxy. MongoDB deletes what is older than the days of retention.

Ends with 1 when MongoDB refused something for what is in it; the embedded database keeps that.

Example:
  sightglass migrate --from sqlite --to mongodb`,
  options: {
    from: { value: 'STORE', about: 'sqlite.' },
    to: { value: 'STORE', about: 'mongodb.' },
    json: filterOptions.json!,
    ...settingOptions,
  },
  async run(given, io) {
    for (const [name, store] of [
      ['from', 'sqlite'],
      ['to', 'mongodb'],
    ] as const) {
      if (given.text(name) !== store) throw new UsageError(`--${name} ${given.text(name) ?? ''}: wants ${store}`)
    }
    const { settings } = await readSettings(given, io)
    const startedMs = performance.now()
    const report = await migrated(settings, io)
    const elapsedMs = Math.round(performance.now() - startedMs)
    if (given.flag('json')) io.out(`${JSON.stringify({ ...report, elapsed_ms: elapsedMs }, null, 2)}\n`)
    else io.out(reportText(report, elapsedMs, settings.mongoDatabase))
    return report.refused.length > 0 ? 1 : 0
  },
}

async function migrated(settings: Settings, io: Io): Promise<MigrationReport> {
  const { dataDir } = settings
  const target = mongoTarget(settings, io)
  if (target === null) throw new CommandFailure('no MongoDB is named: set MONGO_URI (or MONGO_URI_FILE)')
  const path = join(dataDir, 'sightglass.sqlite')
  if (!existsSync(path)) throw new CommandFailure(`${path} does not exist: there are no records to migrate`)
  const { migrateToMongo, MigrationStopped } = await import('../stores/migrate.ts')
  const lock = locked(dataDir)
  try {
    return await migrateToMongo({
      path,
      ...target,
      progress: progressTo(io),
    })
  } catch (error) {
    if (error instanceof StoreUnusable) throw new CommandFailure(error.message, { cause: error })
    if (!(error instanceof MigrationStopped)) throw error
    const reason = oneLine(error.message)
    throw new CommandFailure(`MongoDB did not take all of it: ${reason}\nRun it again to go on where it ended.`, {
      cause: error,
    })
  } finally {
    lock.release()
  }
}

function locked(dataDir: string) {
  try {
    return lockDirectory(dataDir)
  } catch (error) {
    if (!(error instanceof DirectoryLocked)) throw error
    throw new CommandFailure(
      `a proxy works in ${dataDir}: stop it first, or start it with MONGO_URI, and it delivers these records by itself`,
      { cause: error },
    )
  }
}

const everyMs = 1_000

function progressTo(io: Io): (progress: MigrationProgress) => void {
  const startedMs = performance.now()
  let toldMs = startedMs
  return ({ step, sent, pending }) => {
    const nowMs = performance.now()
    const isLast = step === 'records' && pending === 0
    if (nowMs - toldMs < everyMs && !isLast) return
    toldMs = nowMs
    const rate = rateText((sent / (nowMs - startedMs)) * 1_000)
    io.note(
      step === 'records'
        ? `${countText(sent)} records sent, ${countText(pending)} to go · ${rate}\n`
        : `${countText(sent)} ${step} sent\n`,
    )
  }
}

function reportText(
  { records, totals, events, refused, counters }: MigrationReport,
  elapsedMs: number,
  database: string,
): string {
  const lines = [
    `MongoDB, database ${database}: ${countText(counters.stored)} of ${countText(counters.accepted)} records are there.`,
    `  This run   ${countText(records)} records, ${countText(totals)} totals, ${countText(events)} events, in ${durationText(elapsedMs)}`,
    `  Pending    ${countText(counters.pending)}`,
    `  Refused    ${countText(counters.quarantined)}`,
    ...(counters.dropped > 0 ? [`  Dropped    ${countText(counters.dropped)}`] : []),
    ...refused.slice(0, mostNamed).map(({ id, code, message }) => `    ${oneLine(`${id} ${code} ${message}`)}`),
    ...(refused.length > mostNamed ? [`    and ${countText(refused.length - mostNamed)} more`] : []),
  ]
  return `${lines.join('\n')}\n`
}

const mostNamed = 20

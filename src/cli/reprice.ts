import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { given as present } from '../lib/given.ts'
import { priceAgain } from '../meter/price-again.ts'
import type { Settings } from '../settings/settings.ts'
import { resendTotals } from '../stores/migrate.ts'
import { openMongoCosts } from '../stores/mongodb/index.ts'
import { type RepriceParts, type RepriceReport, RepriceStopped, reprice, tryReprice } from '../stores/reprice.ts'
import type { RepriceFilter } from '../stores/repricing.ts'
import { StoreUnusable } from '../stores/sqlite/database.ts'
import { DirectoryLocked } from '../stores/sqlite/lock.ts'
import { openRepricing, readCosts } from '../stores/sqlite/reprice.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import { mongoTarget } from './mongo-target.ts'
import { only, settingOptions } from './options.ts'
import { pricesOf } from './prices-of.ts'
import { everySecond } from './progress.ts'
import { filterOptions, filters, timeZone } from './question.ts'
import { repriceText } from './reprice-text.ts'
import { readSettings } from './settings.ts'
import { countText, oneLine } from './text.ts'

export const repriceCommand: Command = {
  details: `Makes the cost of calls again from the tokens that were stored, by the prices of this version and of the settings (prices_file), each as of the time of its call. Records and sums change together, so that the usage stays the sum of its calls. The vendor's own bill stays what it was.

The proxy must not be running; with --dry-run it may: then nothing is written. Where the settings name a MongoDB, the calls there that this data directory recorded are priced too; those of other machines are priced there.

It may be ended and started again: nothing is counted twice. A price that is gone leaves its calls without a cost, so look at --dry-run first. The counters of /metrics change too, and where they fall, Prometheus takes that for a restart.

Examples:
  sightglass reprice --dry-run
  sightglass reprice --provider openai --model gpt-4o --from 30d
  sightglass reprice --prices-file our-prices.json --json`,
  options: {
    'dry-run': { about: 'Only tells what would change.' },
    ...only(filterOptions, 'project', 'provider', 'model', 'from', 'to', 'tz', 'json'),
    ...only(settingOptions, 'prices-file', 'data-dir', 'db-name', 'config'),
  },
  async run(given, io) {
    const { project, provider, model, from, to } = filters(given, timeZone(given), [])
    const filter = present({ project, provider, model, fromMs: numberOf(from), toMs: numberOf(to) })
    const { settings } = await readSettings(given, io)
    const startedMs = performance.now()
    const isTrial = given.flag('dry-run')
    const { report, totals } = await repriced(settings, filter, isTrial, io)
    const elapsedMs = Math.round(performance.now() - startedMs)
    if (given.flag('json')) {
      const answer = { dry_run: isTrial, ...report, totals_sent: totals, elapsed_ms: elapsedMs }
      io.out(`${JSON.stringify(answer, null, 2)}\n`)
    } else io.out(repriceText(report, isTrial, elapsedMs, io.width))
    return 0
  },
}

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

interface Repriced {
  report: RepriceReport
  /** Totals that MongoDB took again; null without one. */
  totals: number | null
}

async function repriced(settings: Settings, filter: RepriceFilter, isTrial: boolean, io: Io): Promise<Repriced> {
  const path = join(settings.dataDir, 'sightglass.sqlite')
  if (!existsSync(path)) throw new CommandFailure(`${path} does not exist: there are no calls to price`)
  const prices = pricesOf(settings)
  const { mongoUri: uri, mongoDatabase: database } = settings
  const mongo = uri === null ? null : openMongoCosts({ uri, database })
  const tell = everySecond(io)
  const parts = {
    mongo,
    filter,
    price: (call) => priceAgain(call, prices),
    progress: (calls) => tell(() => `${countText(calls)} calls priced`),
  } satisfies Omit<RepriceParts, 'local'>
  try {
    if (isTrial)
      return { report: await using(readCosts(path), (local) => tryReprice({ ...parts, local })), totals: null }
    const report = await using(openRepricing(path), (local) => reprice({ ...parts, local }))
    return { report, totals: await totalsAgain(settings, path, io) }
  } catch (error) {
    throw failure(error, settings, isTrial)
  } finally {
    await mongo?.close()
  }
}

async function using<Part extends { close(): void }, Answer>(part: Part, work: (part: Part) => Promise<Answer>) {
  try {
    return await work(part)
  } finally {
    part.close()
  }
}

/** What MongoDB adds up for this data directory, too. Whatever fails here, the proxy sends them with its next start. */
async function totalsAgain(settings: Settings, path: string, io: Io): Promise<number | null> {
  const target = mongoTarget(settings, io)
  if (target === null) return null
  try {
    return await resendTotals({ path, ...target })
  } catch (error) {
    const reason = oneLine(error instanceof Error ? error.message : String(error))
    io.note(`MongoDB did not take the totals (${reason}): the proxy sends them with its next start.\n`)
    return null
  }
}

function failure(error: unknown, { dataDir }: Settings, isTrial: boolean): unknown {
  const cause = { cause: error }
  if (error instanceof DirectoryLocked)
    return new CommandFailure(
      `a proxy works in ${dataDir}: stop it to price its calls again, or look with --dry-run, which may run beside it`,
      cause,
    )
  if (error instanceof StoreUnusable) return new CommandFailure(error.message, cause)
  if (error instanceof RepriceStopped)
    return new CommandFailure(
      isTrial
        ? `MongoDB did not answer: ${oneLine(error.message)}`
        : `MongoDB did not take all of it: ${oneLine(error.message)}\nRun it again to go on where it ended.`,
      cause,
    )
  return error
}

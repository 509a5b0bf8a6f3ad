import { readMoment } from '../api/moment.ts'
import type { Command } from './command.ts'
import { UsageError } from './failure.ts'
import { type Arguments, settingOptions } from './options.ts'
import { apiPurges } from './purge-api.ts'
import type { PurgePlace, PurgeQuestion } from './purge-place.ts'
import { purgeText, questionText } from './purge-text.ts'
import { purgeOn } from './purge-wait.ts'
import { timeZone } from './question.ts'
import { recordOptions, withProxy } from './with-records.ts'

export const purge: Command = {
  details: `Deletes calls that have all that is named, and what was said in them: in the embedded database, in MongoDB and in the CSV files of the fallback. Calls that begin after this command are never deleted. One of --user, --project and --before must be given.

A running proxy does it, beside its calls; without one it is done here. What a place cannot delete now (a MongoDB that is away) it deletes when it is back, before anything else is sent there; this command says what waits. Other instances on the same MongoDB have records of their own that are not delivered yet: run it on each.

Examples:
  sightglass purge --user ada --dry-run
  sightglass purge --project checkout --before 2026-01-01 --yes`,
  options: {
    user: { value: 'NAME', about: 'Calls of this user.' },
    project: { value: 'NAME', short: 'p', about: 'Calls of this project.' },
    before: { value: 'TIME', about: 'Calls that began before then: a date, a time, or a span back (24h, 90d).' },
    tz: { value: 'ZONE', about: 'Time zone of dates, such as Europe/Berlin or UTC (the local one).' },
    'dry-run': { about: 'Delete nothing, count only.' },
    yes: { short: 'y', about: 'Do not ask before deleting.' },
    json: { about: 'The answer as JSON.' },
    ...recordOptions,
    ...settingOptions,
  },
  async run(given, io) {
    const zone = timeZone(given)
    const question = questionOf(given, zone)
    const isDry = given.flag('dry-run')
    if (!isDry && !given.flag('yes') && io.ask === undefined)
      throw new UsageError('nobody is at a terminal to confirm: add --yes, or --dry-run to count only')
    return withProxy(given, io, {
      running: ({ url, token }) => carriedOut(apiPurges(url, token), question),
      async direct({ settings, url }) {
        const { directoryPurges } = await import('./purge-directory.ts')
        if (url !== null) io.note(`Nothing listens on ${url}: deleting in ${settings.dataDir} itself.\n`)
        return carriedOut(directoryPurges(settings, io), question)
      },
    })

    async function carriedOut(place: PurgePlace, question: PurgeQuestion): Promise<number> {
      try {
        if (!isDry && !given.flag('yes')) {
          const counted = await purgeOn(place, { ...question, dry_run: true }, io)
          io.note(purgeText(counted, zone))
          if ((await io.ask?.(questionText(counted)))?.trim() !== 'yes') {
            io.note('Nothing was deleted.\n')
            return 1
          }
        }
        const purged = await purgeOn(place, { ...question, dry_run: isDry }, io)
        io.out(given.flag('json') ? `${JSON.stringify(purged, null, 2)}\n` : purgeText(purged, zone))
        return 0
      } finally {
        await place.close()
      }
    }
  },
}

function questionOf(given: Arguments, zone: string): PurgeQuestion {
  const [user, project, before] = [given.text('user'), given.text('project'), given.text('before')]
  if (user === undefined && project === undefined && before === undefined)
    throw new UsageError('say what to delete: --user, --project or --before, or more than one of them')
  const nowMs = Date.now()
  const beforeMs = before === undefined ? null : readMoment(before, nowMs, zone)
  if (before !== undefined && beforeMs === null)
    throw new UsageError(`--before ${before}: wants a date, a time, Unix milliseconds, or a span back (24h, 90d)`)
  if (beforeMs !== null && beforeMs > nowMs)
    throw new UsageError(`--before ${before}: is in the future; calls of after now are never deleted`)
  return {
    ...(user === undefined ? {} : { user }),
    ...(project === undefined ? {} : { project }),
    ...(beforeMs === null ? {} : { before: String(beforeMs) }),
  }
}

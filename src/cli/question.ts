import { isTimeZone, momentForms, readMoment } from '../api/moment.ts'
import { outcomes } from '../records/outcome.ts'
import { UsageError } from './failure.ts'
import type { Arguments, Options } from './options.ts'
import { localZone } from './text.ts'

/** What every question about calls can be narrowed by. */
export const filterOptions: Options = {
  project: { value: 'NAME', short: 'p', about: 'Calls of this project.' },
  key: { value: 'ID', about: 'Calls with the key of this fingerprint.' },
  user: { value: 'NAME', about: 'Calls of this user.' },
  model: { value: 'NAME', short: 'm', about: 'Calls of this model.' },
  provider: { value: 'NAME', about: 'Calls of this provider.' },
  outcome: { value: 'WORD', about: `Calls that ended like this: ${outcomes.join(', ')}.` },
  operation: { value: 'WORD', about: 'model (default): calls of models. all: lists and probes too.' },
  from: { value: 'TIME', about: `Calls since then: ${momentForms}.` },
  to: { value: 'TIME', about: 'Calls before then.' },
  tz: { value: 'ZONE', about: 'Time zone such as Europe/Berlin or UTC (the local one).' },
  json: { about: 'The answer as JSON.' },
}

export function timeZone(given: Arguments): string {
  const zone = given.text('tz') ?? localZone()
  if (!isTimeZone(zone)) throw new UsageError(`--tz ${zone}: wants a time zone such as Europe/Berlin or UTC`)
  return zone
}

/** The filters that were given, by their API names. */
export function filters(given: Arguments, zone: string, operations: readonly string[]): Record<string, string> {
  const question: Record<string, string> = {}
  for (const name of ['project', 'key', 'user', 'model', 'provider', 'outcome', 'operation']) {
    const value = given.text(name)
    if (value !== undefined) question[name] = value
  }
  const { outcome, operation } = question
  if (outcome !== undefined && !outcomes.some((one) => one === outcome)) {
    throw new UsageError(`--outcome ${outcome}: wants one of ${outcomes.join(', ')}`)
  }
  if (operation !== undefined && !operations.includes(operation)) {
    throw new UsageError(`--operation ${operation}: wants one of ${operations.join(', ')}`)
  }
  const nowMs = Date.now()
  for (const name of ['from', 'to']) {
    const text = given.text(name)
    if (text === undefined) continue
    const ms = readMoment(text, nowMs, zone)
    if (ms === null) throw new UsageError(`--${name} ${text}: wants ${momentForms}`)
    question[name] = String(ms)
  }
  if (question.from !== undefined && question.to !== undefined && Number(question.from) >= Number(question.to)) {
    throw new UsageError(`--from ${given.text('from')} is not before --to ${given.text('to')}`)
  }
  return question
}

export function wholeOption(given: Arguments, name: string, least: number, most: number): number | null {
  const text = given.text(name)
  if (text === undefined) return null
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} ${text}: wants a whole number from ${least} to ${most}`)
}

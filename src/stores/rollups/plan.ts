import type { UsageQuery } from '../store.ts'
import { dayMs, hourMs, type Level } from './levels.ts'
import type { TimeUnit, Zone } from './zone.ts'

/** A stretch of time and where its sums come from. */
export interface Span {
  source: Source
  fromMs: number
  toMs: number
}

export type Source = Level | 'records'

/** The rows that can tell apart what the query groups and filters by; null when only the records can. */
export function levelsFor(query: UsageQuery): { hour: Level | null; day: Level } | null {
  const names = new Set<string>(query.groupBy.filter((group) => group !== 'hour' && group !== 'day'))
  for (const name of ['key', 'user', 'model', 'provider', 'outcome'] as const) {
    if (query[name] !== undefined) names.add(name)
  }
  if (names.has('user')) {
    return names.has('key') || names.has('provider') || names.has('outcome') ? null : { hour: null, day: 'user_day' }
  }
  return names.has('key') ? { hour: 'key_hour', day: 'key_day' } : { hour: 'model_hour', day: 'model_day' }
}

export const timeUnit = (query: UsageQuery): TimeUnit | null =>
  query.groupBy.includes('hour') ? 'hour' : query.groupBy.includes('day') ? 'day' : null

/**
 * Cuts the time from `fromMs` to `toMs` into spans: days where a whole UTC day falls into one group, else hours, and the
 * records themselves at edges that cut through an hour (or through a day, where a level has days only).
 */
export function spans(query: UsageQuery, zone: Zone, fromMs: number, toMs: number): readonly Span[] {
  const levels = levelsFor(query)
  if (levels === null) return fromMs < toMs ? [{ source: 'records', fromMs, toMs }] : []
  const unit = timeUnit(query)
  const whole = (at: number, spanMs: number): boolean =>
    at % spanMs === 0 &&
    at + spanMs <= toMs &&
    (unit === null || zone.place(unit, at) === zone.place(unit, at + spanMs - 1))

  const found: Span[] = []
  const add = (source: Source, from: number, to: number): void => {
    const last = found.at(-1)
    if (last?.source === source) last.toMs = to
    else found.push({ source, fromMs: from, toMs: to })
  }
  const stepMs = levels.hour === null ? dayMs : hourMs
  for (let at = fromMs; at < toMs; ) {
    let next = Math.min(toMs, (Math.floor(at / stepMs) + 1) * stepMs)
    if (whole(at, dayMs)) {
      next = at + dayMs
      add(levels.day, at, next)
    } else if (levels.hour !== null && whole(at, hourMs)) add(levels.hour, at, next)
    else add('records', at, next)
    at = next
  }
  return found
}

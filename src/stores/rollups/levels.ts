import type { PurgeScope } from '../../records/purge.ts'
import type { CallFacts } from './facts.ts'

/** One row of the rollups: calls that were opened in one hour or day (UTC) and share these names. */
export interface RollupKey {
  level: Level
  startMs: number
  project: string
  /** The key's or the user's id on the levels that have one; '' where calls have none, and on the other levels. */
  owner: string
  provider: string
  model: string
  outcome: string
  modelCall: boolean
  instance: string
}

/**
 * Three kinds of rows that never mix: by model, the same by key, and by user (days only, without provider and outcome). One
 * kind with every name in it would be as long as the list of calls.
 */
export const levels = {
  model_hour: 1,
  model_day: 2,
  key_hour: 3,
  key_day: 4,
  user_day: 5,
} as const
export type Level = keyof typeof levels

export const hourMs = 3_600_000
export const dayMs = 86_400_000

/** How long the periods of a level are. */
export const spanOf = (level: Level): number => (level.endsWith('_hour') ? hourMs : dayMs)

export const levelNames = Object.keys(levels) as readonly Level[]

/**
 * The levels whose rows go with a purge: with a user, the one that holds users. All other rows hold the calls of others
 * too, and keep their numbers.
 */
export const purgedLevels = ({ user }: Pick<PurgeScope, 'user'>): readonly Level[] =>
  user === null ? levelNames : ['user_day']

const startOf = (spanMs: number, ms: number): number => Math.floor(ms / spanMs) * spanMs

/** What of a call decides in which rows it is counted. */
export type CallNames = Pick<
  CallFacts,
  'timestampMs' | 'project' | 'key' | 'user' | 'provider' | 'model' | 'outcome' | 'modelCall'
>

/** The rows a call is counted in: one for each level. */
export function rollupRows(call: CallNames, instance: string): readonly RollupKey[] {
  const hour = startOf(hourMs, call.timestampMs)
  const day = startOf(dayMs, call.timestampMs)
  const shared = { project: call.project, model: call.model ?? '', modelCall: call.modelCall, instance }
  const whole = { ...shared, provider: call.provider, outcome: call.outcome }
  const key = call.key ?? ''
  return [
    { ...whole, level: 'model_hour', startMs: hour, owner: '' },
    { ...whole, level: 'model_day', startMs: day, owner: '' },
    { ...whole, level: 'key_hour', startMs: hour, owner: key },
    { ...whole, level: 'key_day', startMs: day, owner: key },
    { ...shared, level: 'user_day', startMs: day, owner: call.user ?? '', provider: '', outcome: '' },
  ]
}

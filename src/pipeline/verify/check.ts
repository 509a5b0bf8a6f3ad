import type { Difference } from './differences.ts'

/** What of a record is checked, in the order in which it is told. */
export const checkNames = [
  'request bytes',
  'answer bytes',
  'call',
  'request',
  'answer',
  'times',
  'tokens',
  'cost',
  'bill',
  'run and telemetry',
] as const

export type CheckName = (typeof checkNames)[number]

export interface Check {
  what: CheckName
  state: 'same' | 'differs' | 'not checked'
  /** Why it was not, or not in full; for people. */
  why: string | null
  differences: readonly Difference[]
}

export const notChecked = (what: CheckName, why: string): Check => ({
  what,
  state: 'not checked',
  why,
  differences: [],
})

/** `why`: what of it could not be checked. */
export const differing = (what: CheckName, differences: readonly Difference[], why: string | null = null): Check => ({
  what,
  state: differences.length > 0 ? 'differs' : 'same',
  why,
  differences,
})

/** A record that was damaged may hold anything: what fails over it is told as a difference. */
export function guarded(what: CheckName, check: () => Check): Check {
  try {
    return check()
  } catch (error) {
    return broken(what, error)
  }
}

export const broken = (what: CheckName, error: unknown): Check =>
  differing(what, [{ field: 'record', recorded: 'what a record holds', found: String(error) }])

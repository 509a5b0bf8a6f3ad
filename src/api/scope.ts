import type { Identity } from '../access/credentials.ts'
import type { Clock } from '../lib/clock.ts'
import { given } from '../lib/given.ts'
import type { RecordFilter } from '../stores/store.ts'
import { ApiError, invalid } from './api-error.ts'
import { momentForms, readMoment } from './moment.ts'
import type { FilterParameters } from './parameters.ts'

/** Which records a question is about: what was asked for, within what the one who asks may see. */
export function scopeOf(
  identity: Identity,
  clock: Clock,
  asked: Partial<FilterParameters>,
): { project: string | null; filter: RecordFilter } {
  const timeZone = asked.tz ?? 'UTC'
  const moment = (name: 'from' | 'to'): number | undefined => {
    const text = asked[name]
    if (text === undefined) return undefined
    const at = readMoment(text, clock.wall(), timeZone)
    if (at === null) throw invalid(name, `${name}=${text}: wants ${momentForms}`)
    return at
  }
  const fromMs = moment('from')
  const toMs = moment('to')
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs)
    throw invalid('from', `from=${asked.from}: is not before to=${asked.to}`)
  return {
    // calls are recorded under the slug in small letters, however it was written
    project: asked.project?.toLowerCase() ?? null,
    filter: given({
      key: keyOf(identity, asked.key),
      user: asked.user,
      model: asked.model,
      provider: asked.provider,
      outcome: asked.outcome,
      fromMs,
      toMs,
    }),
  }
}

function keyOf(identity: Identity, asked: string | undefined): string | undefined {
  if (identity.kind === 'admin') return asked
  if (asked !== undefined && asked !== identity.keyId)
    throw new ApiError(403, 'outside_scope', "key: is another key's; a key sees its own calls only", { param: 'key' })
  return identity.keyId
}

/** Two names of one parameter: either, or both alike. */
export function sameAs<T>(name: string, value: T | undefined, older: string, olderValue: T | undefined): T | undefined {
  if (value !== undefined && olderValue !== undefined && value !== olderValue)
    throw invalid(older, `${older}=${olderValue}: contradicts ${name}=${value}`)
  return value ?? olderValue
}

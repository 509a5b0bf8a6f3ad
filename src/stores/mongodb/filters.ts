import type { RecordFilter } from '../store.ts'
import type { Document } from './driver.ts'

/** A filter from fields and the values they must have; values always stand behind an operator, so that none can be one. */
export function equal(fields: Readonly<Record<string, unknown>>): Document {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, { $eq: value }]),
  )
}

/** From (inclusive) to (exclusive); empty without either. */
export function period(field: string, fromMs: number | undefined, toMs: number | undefined): Document {
  if (fromMs === undefined && toMs === undefined) return {}
  return {
    [field]: {
      ...(fromMs === undefined ? {} : { $gte: dateOf(fromMs) }),
      ...(toMs === undefined ? {} : { $lt: dateOf(toMs) }),
    },
  }
}

/** Within one of the periods. */
export const periods = (field: string, spans: readonly { fromMs: number; toMs: number }[]): Document =>
  spans.length === 1
    ? period(field, spans[0]?.fromMs, spans[0]?.toMs)
    : { $or: spans.map(({ fromMs, toMs }) => period(field, fromMs, toMs)) }

/** From least to greatest, both inclusive. */
export function range(field: string, least: number | undefined, greatest: number | undefined): Document {
  if (least === undefined && greatest === undefined) return {}
  return {
    [field]: { ...(least === undefined ? {} : { $gte: least }), ...(greatest === undefined ? {} : { $lte: greatest }) },
  }
}

const furthestMs = 8.64e15
const dateOf = (ms: number): Date => new Date(Math.max(-furthestMs, Math.min(furthestMs, ms)))

/** What calls are filtered by in every question. */
export const ofCalls = (project: string | null, filter: RecordFilter): Document => ({
  ...equal({
    'metadata.project_id': project,
    'metadata.key_id': filter.key,
    'metadata.user_id': filter.user,
    'metadata.llm_model': filter.model,
    'metadata.provider': filter.provider,
    'metadata.outcome': filter.outcome,
  }),
})

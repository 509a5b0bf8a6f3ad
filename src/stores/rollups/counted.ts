import type { RunQuery } from '../store.ts'

/** Which calls of the rollups a list's total counts; null when the list has a filter that no rollup knows. */
export function countedInRollups(query: RunQuery): 'model' | 'all' | null {
  const operation = query.operation ?? 'model'
  const beyondRollups = [
    query.statusCode,
    query.status,
    query.session,
    query.latencyMinMs,
    query.latencyMaxMs,
    query.tokensMin,
    query.tokensMax,
  ].some((value) => value !== undefined)
  return !beyondRollups && (operation === 'model' || operation === 'all') ? operation : null
}

import type { Store } from '../stores/store.ts'
import { ApiError, invalid } from './api-error.ts'
import type { ApiParts } from './parts.ts'

/** Puts a question to the store: what it cannot answer is a 422, what it does not answer in time or at all a 503. */
export async function ask<T>(parts: ApiParts, route: string, question: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await within(parts.deadlineMs ?? 15_000, question(parts.store))
  } catch (error) {
    const parameter = unanswerable(error)
    if (parameter !== null) throw invalid(parameter, (error as Error).message)
    parts.failed(error, route)
    throw new ApiError(
      503,
      codes[nameOf(error)] ?? 'store_unavailable',
      'the store does not answer now; calls are still proxied and recorded',
      {
        headers: { 'retry-after': '1' },
      },
    )
  }
}

const codes: Readonly<Record<string, string>> = {
  Busy: 'store_busy',
  Late: 'store_timeout',
  AnswerTimeout: 'store_timeout',
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '')

/** By name: the error may come from another thread, where its class does not survive. */
function unanswerable(error: unknown): string | null {
  return error instanceof Error && error.name === 'Unanswerable' && 'parameter' in error
    ? String(error.parameter)
    : null
}

export class Late extends Error {
  override name = 'Late'
}

export async function within<T>(limitMs: number, answer: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Late(`no answer within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}

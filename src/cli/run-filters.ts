import { operations } from '../records/outcome.ts'
import { UsageError } from './failure.ts'
import type { Arguments, Options } from './options.ts'
import { filterOptions, filters, wholeOption } from './question.ts'

/** What lists of calls can be narrowed by. */
export const runFilterOptions: Options = {
  status: { value: 'WORD', about: 'success or error.' },
  'status-code': { value: 'N', about: 'HTTP status that the client was sent.' },
  session: { value: 'NAME', about: 'Calls of this session or thread.' },
  text: { value: 'WORDS', about: 'Calls whose prompt or answer holds these words.' },
  ...filterOptions,
  operation: {
    value: 'WORD',
    about: 'model (default): calls of models. all: lists and probes too. Or one kind: chat, embeddings, models …',
  },
}

/** The filters that were given, by their API names. */
export function runFilters(given: Arguments, zone: string): Record<string, string> {
  const status = given.text('status')
  if (status !== undefined && status !== 'success' && status !== 'error') {
    throw new UsageError(`--status ${status}: wants success or error (for one HTTP status: --status-code)`)
  }
  const statusCode = wholeOption(given, 'status-code', 0, 999)
  const more = ['status', 'session', 'text'].flatMap((name) => {
    const value = given.text(name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...filters(given, zone, ['model', 'all', ...operations]),
    ...Object.fromEntries(more),
    ...(statusCode === null ? {} : { status_code: String(statusCode) }),
  }
}

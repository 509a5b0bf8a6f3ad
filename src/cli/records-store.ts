import { given } from '../lib/given.ts'
import type { Operation, Outcome } from '../records/outcome.ts'
import { openStore } from '../stores/sqlite/query.ts'
import {
  type RecordFilter,
  type RunQuery,
  type Store,
  Unanswerable,
  type UsageGroup,
  type UsageQuery,
} from '../stores/store.ts'
import { unpricedCalls } from '../stores/unpriced.ts'
import { CommandFailure } from './failure.ts'
import type { Question, Records } from './records.ts'

/** Reads the embedded store itself, for when no proxy runs. Whoever can read its file may see everything in it. */
export const storeRecords = async (path: string): Promise<Records> => recordsOf(opened(path))

/** What a store has, asked without a proxy. */
export function recordsOf(store: Store): Records {
  return {
    usage: (question) => answered(store.usage(question.project ?? null, usageQuery(question))),
    unpriced(question) {
      const asked = { ...filterOf(question), ...operationsOf(question) }
      return answered(unpricedCalls(store, question.project ?? null, asked))
    },
    runs: (question) => answered(store.runs(question.project ?? null, runQuery(question))),
    run: (id) => store.run(null, id),
    body: async (id, side) => (await store.body(null, id, side))?.bytes ?? null,
    close: () => store.close(),
  }
}

function opened(path: string) {
  try {
    return openStore(path)
  } catch (error) {
    throw new CommandFailure(
      `No proxy is running and there are no records to read: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    )
  }
}

/** A question that the store cannot answer as asked is no fault of ours: its words go to the one who asked. */
async function answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof Unanswerable) throw new CommandFailure(error.message, { cause: error })
    throw error
  }
}

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

const filterOf = (question: Question): RecordFilter =>
  given({
    key: question.key,
    user: question.user,
    model: question.model,
    provider: question.provider,
    outcome: question.outcome as Outcome | undefined,
    fromMs: numberOf(question.from),
    toMs: numberOf(question.to),
  })

const operationsOf = (question: Question) => given({ operations: question.operation as 'model' | 'all' | undefined })

function usageQuery(question: Question): UsageQuery {
  const groups = question.group_by ? question.group_by.split(',') : []
  return {
    ...filterOf(question),
    ...operationsOf(question),
    ...given({ timeZone: question.tz, limit: numberOf(question.limit) }),
    groupBy: groups as UsageGroup[],
  }
}

function runQuery(question: Question): RunQuery {
  return {
    ...filterOf(question),
    ...given({
      operation: question.operation as Operation | 'model' | 'all' | undefined,
      statusCode: numberOf(question.status_code),
      status: question.status as 'success' | 'error' | undefined,
      session: question.session,
      text: question.text,
      cursor: question.cursor,
    }),
    limit: Number(question.limit ?? 20),
  }
}

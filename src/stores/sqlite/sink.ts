import { Refused, type Sink } from '../../delivery/sink.ts'
import type { LocalStore } from '../../pipeline/local-store.ts'

/** The embedded database as a place to deliver to. Closing it leaves the store open: others write to it too. */
export function sqliteSink(store: LocalStore): Sink {
  return {
    name: 'sqlite',
    async write(records, signal) {
      signal.throwIfAborted()
      try {
        store.commit({ ...nothing, records })
      } catch (error) {
        if (isRefusal(error)) throw new Refused(`SQLite refused the batch: ${error.message}`, { cause: error })
        throw error
      }
    },
    async close() {},
  }
}

const nothing = { positions: [], finishedEpochs: [], applied: [], settled: [], carry: [], uncarry: [] }

const constraint = 19
const tooBig = 18
const mismatch = 20

/** The same values would be refused again: wrong types, broken constraints, too many bytes. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof TypeError ||
  error instanceof SyntaxError ||
  error instanceof RangeError ||
  (error instanceof Error && 'errcode' in error && [constraint, tooBig, mismatch].includes(Number(error.errcode) % 256))

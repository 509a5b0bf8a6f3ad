import type { Journal } from '../../src/journal/journal.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/id.ts'
import type { LocalStore } from '../../src/pipeline/local-store.ts'
import { createRecorder, type Recorder, type RecorderOptions } from '../../src/pipeline/recorder.ts'
import type { Exchange } from '../../src/records/exchange.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { closeOf, headOf, openOf } from '../journal/support.ts'
import { quiet, recordOf } from './recorder-parts.ts'

export { quiet, recordOf, textOf } from './recorder-parts.ts'

export const journalIn = (dir: string, segmentBytes = 1024 * 1024): Journal =>
  openJournal({ dir, clock: systemClock, segmentBytes })

/** Resolves once everything given so far is on the disk. */
export const written = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

/** One call with these bodies; resolves with its id when its CLOSE is safe. */
export function call(journal: Journal, request: string, response: string): Promise<string> {
  const id = newId(Date.now())
  return new Promise((resolve) => {
    const exchange = journal.open(openOf(id), () => {})
    journal.data(exchange, 'request', 0, 1, Buffer.from(request))
    journal.head(exchange, headOf())
    journal.data(exchange, 'response', 0, 2, Buffer.from(response))
    journal.close(exchange, closeOf(request.length, response.length), () => resolve(id))
  })
}

/** Keeps what the recorder was given beside a plausible record. */
export function collecting() {
  const exchanges = new Map<string, Exchange>()
  const toRecord = async (exchange: Exchange): Promise<StoredRecord> => {
    exchanges.set(exchange.open.id, exchange)
    return recordOf(exchange)
  }
  return { exchanges, toRecord }
}

export function recorderOn(journalDir: string, store: LocalStore, options: Partial<RecorderOptions> = {}): Recorder {
  return createRecorder({
    journalDir,
    liveEpochs: [],
    store,
    log: quiet,
    toRecord: async (exchange) => recordOf(exchange),
    rawRecord: (exchange, error) => recordOf(exchange, [`raw: ${error instanceof Error ? error.message : error}`]),
    ...options,
  })
}

/** Steps until there is nothing to read. */
export async function drain(recorder: Recorder): Promise<void> {
  while (await recorder.step());
}

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Exchange } from '../records/exchange.ts'
import type { Assembler, Tracked } from './assemble.ts'
import type { Attempts } from './attempts.ts'
import { type CommitParts, commitReady, type Ready } from './commit.ts'
import { makeRecord, type RecordSource } from './make-record.ts'
import type { Patience } from './patience.ts'

export interface FinishedParts extends RecordSource {
  journalDir: string
  patience: Patience
  commit: Omit<CommitParts, 'plainer'>
  log: { warn(message: string, fields?: object): void; error(message: string, fields?: object): void }
  /** At most so many exchanges, and bytes of them, are worked on at a time. */
  concurrency: number
  workingBytes: number
  batchRecords: number
  /** Set when the recorder died on something: who is worked on is written down first. */
  careful: Attempts | null
  published(): void
  /** Called between two exchanges, for whoever works in small pieces. */
  pause?: () => void
}

/** Makes the records of finished exchanges, a bounded number at a time, and commits them in batches. */
export async function recordFinished(assembler: Assembler, finished: readonly Tracked[], parts: FinishedParts) {
  const concurrency = parts.careful ? 1 : parts.concurrency
  const working = new Set<Promise<void>>()
  let workingBytes = 0
  let ready: Ready[] = []
  let readyBytes = 0
  for (const tracked of finished) {
    parts.pause?.()
    while (working.size >= concurrency || (working.size > 0 && workingBytes + tracked.bytes > parts.workingBytes)) {
      await Promise.race(working)
    }
    if (ready.length >= parts.batchRecords || readyBytes > batchBytes) {
      const batch = ready
      ready = []
      readyBytes = 0
      await commitBatch(assembler, batch, parts)
    }
    workingBytes += tracked.bytes
    const work = makeReady(assembler, tracked, parts).then((one) => {
      ready.push(one)
      readyBytes += sizeOf(one)
      workingBytes -= tracked.bytes
      working.delete(work)
    })
    work.catch(() => {}) // whoever waits for it is told
    working.add(work)
  }
  await Promise.all(working)
  if (ready.length > 0) await commitBatch(assembler, ready, parts)
}

/** Commits a batch, or with an empty one only the place up to which everything is safe. */
export async function commitBatch(assembler: Assembler, ready: readonly Ready[], parts: FinishedParts) {
  const plainer = async (one: Ready, error: unknown): Promise<Ready> => {
    const exchange = one.raw ? null : assembler.build(one.tracked)
    return exchange ? makeRaw(assembler, one, exchange, error, parts) : giveUp(assembler, one, error, parts)
  }
  await commitReady(assembler, ready, { ...parts.commit, plainer })
  parts.published()
}

async function makeReady(assembler: Assembler, tracked: Tracked, parts: FinishedParts): Promise<Ready> {
  const unknown: Ready = { tracked, record: null, id: `${assembler.epoch}/${tracked.exchange}`, raw: false }
  const exchange = assembler.build(tracked)
  if (!exchange) return giveUp(assembler, unknown, new Error('its frames make no exchange'), parts)
  const { id } = exchange.open
  try {
    const deaths = parts.careful?.begin(assembler.epoch, tracked.exchange) ?? 0
    if (deaths >= deathsAllowed) throw new Error(`the recorder died ${deaths} times while it worked on this exchange`)
    const { record, error } = await makeRecord(exchange, parts)
    if (error) parts.log.warn('an exchange could not be decoded and is kept raw', { id, error })
    return { tracked, record, id, raw: error !== null }
  } catch (error) {
    return makeRaw(assembler, { ...unknown, id }, exchange, error, parts)
  }
}

async function makeRaw(assembler: Assembler, ready: Ready, exchange: Exchange, error: unknown, parts: FinishedParts) {
  try {
    return { ...ready, record: parts.rawRecord(exchange, error), raw: true }
  } catch (failure) {
    return giveUp(assembler, ready, failure, parts)
  }
}

/** Puts the frames aside, for people, and lets the exchange go. */
async function giveUp(assembler: Assembler, ready: Ready, error: unknown, parts: FinishedParts): Promise<Ready> {
  const dir = join(parts.journalDir, 'quarantine')
  const file = join(dir, `${assembler.epoch}-${ready.tracked.exchange}.frames`)
  await parts.patience.insist(() => {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeFileSync(file, Buffer.concat([...assembler.rawFrames(ready.tracked)]), { mode: 0o600 })
  })
  parts.log.error('an exchange could not be stored: its frames were put aside', { id: ready.id, file, error })
  return { ...ready, record: null }
}

const sizeOf = ({ record }: Ready): number =>
  (record?.requestBytes?.length ?? 0) + (record?.responseBytes?.length ?? 0) + (record?.chunkTimes?.length ?? 0)

const batchBytes = 16 * 1024 * 1024
const deathsAllowed = 2

import { join } from 'node:path'
import { loadProviders } from '../../providers/index.ts'
import { startTokenCounter } from '../meter/tokens.ts'
import { type Check, differing } from '../pipeline/verify/check.ts'
import { type VerifyParts, verifyRecord } from '../pipeline/verify/verify-record.ts'
import type { Settings } from '../settings/settings.ts'
import { openMongoStore } from '../stores/mongodb/index.ts'
import { idOperand, wholeId } from './call-id.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { only, settingOptions } from './options.ts'
import { pricesOf } from './prices-of.ts'
import { everySecond } from './progress.ts'
import { timeZone } from './question.ts'
import type { Question, Records } from './records.ts'
import { recordsOf, storeRecords } from './records-store.ts'
import { runFilterOptions, runFilters } from './run-filters.ts'
import { readSettings } from './settings.ts'
import { countText } from './text.ts'
import { VerifyTally } from './verify-tally.ts'
import { allText, oneText } from './verify-text.ts'

export const verify: Command = {
  details: `Reads the kept bytes of calls again, compares them with their hashes and lengths, decodes and counts them anew, prices them anew, and compares every field that can be made again with the record. What was measured once (latency, addresses, who called) cannot be. What is not checked says why: no bytes are kept, they were cut, another version made the estimate, another price list the cost.

It reads the embedded database itself, also while the proxy works in it, and the MongoDB of the settings, where they name one.

Ends with 1 when anything differs.

Examples:
  sightglass verify 019f5c1e-8a3b
  sightglass verify --all --from 24h --provider ollama
  sightglass verify --all --json`,
  options: {
    all: { about: 'All calls, or those that the filters leave.' },
    ...runFilterOptions,
    operation: {
      value: 'WORD',
      about: 'all (default): lists and probes too. model: calls of models. Or one kind: chat, embeddings, models …',
    },
    ...only(settingOptions, 'prices-file', 'data-dir', 'db-name', 'config'),
  },
  async run(given, io) {
    const question = { operation: 'all', ...runFilters(given, timeZone(given)) }
    const [operand] = given.operands
    if ((operand === undefined) !== given.flag('all')) throw new UsageError('verify wants an ID or --all')
    const wanted = operand === undefined ? null : idOperand(operand)
    const { settings } = await readSettings(given, io)
    const parts = { providers: await loadProviders(), prices: pricesOf(settings), tokens: startTokenCounter() }
    const places = await placesOf(settings)
    // the tokenizer alone keeps no process alive
    const alive = setInterval(() => {}, 60_000)
    try {
      const json = given.flag('json')
      return await (wanted === null ? every(places, question, parts, json, io) : one(places, wanted, parts, json, io))
    } finally {
      await Promise.all([parts.tokens.close(), ...places.map(({ records }) => records.close())])
      clearInterval(alive)
    }
  },
}

/** Where records are. */
interface Place {
  readonly name: 'embedded database' | 'MongoDB'
  readonly records: Records
}

async function placesOf({ dataDir, mongoUri: uri, mongoDatabase: database }: Settings): Promise<readonly Place[]> {
  const mongo: Place[] =
    uri === null ? [] : [{ name: 'MongoDB', records: recordsOf(openMongoStore({ uri, database })) }]
  const records = await storeRecords(join(dataDir, 'sightglass.sqlite')).catch((error: unknown) => {
    if (mongo.length > 0 && error instanceof CommandFailure) return null
    throw error
  })
  return [...(records === null ? [] : [{ name: 'embedded database' as const, records }]), ...mongo]
}

/** One call, wherever it is. */
async function one(places: readonly Place[], wanted: string, parts: VerifyParts, json: boolean, io: Io) {
  const found: { place: string; id: string; recorded_by: string | null; checks: readonly Check[] }[] = []
  let missing: unknown = null
  for (const { name, records } of places) {
    try {
      const id = await wholeId(wanted, records)
      found.push({ place: name, ...(await verified(id, records, parts)) })
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      missing ??= error
    }
  }
  if (found.length === 0) throw missing
  io.out(json ? `${JSON.stringify(found, null, 2)}\n` : found.map((each) => oneText(each, io.width)).join('\n'))
  return found.some(({ checks }) => checks.some(({ state }) => state === 'differs')) ? 1 : 0
}

/** All calls, page by page. */
async function every(places: readonly Place[], question: Question, parts: VerifyParts, json: boolean, io: Io) {
  const tally = new VerifyTally()
  const tell = everySecond(io)
  for (const { name, records } of places) {
    let cursor: string | null = null
    do {
      const page = await records.runs({ ...question, limit: '200', ...(cursor === null ? {} : { cursor }) })
      for (const { telemetry } of page.items) {
        // it may have been delivered and forgotten since the page was read
        const checks = await verified(telemetry._id, records, parts).catch((error: unknown) => {
          if (error instanceof CommandFailure) return null
          throw error
        })
        if (checks !== null) tally.add({ place: name, ...checks })
        tell(() => `${countText(tally.checked)} calls checked, ${countText(tally.differing)} with differences`)
      }
      cursor = page.nextCursor
    } while (cursor !== null)
  }
  const report = tally.report()
  io.out(json ? `${JSON.stringify(report, null, 2)}\n` : allText(report, io.width))
  return report.differing > 0 ? 1 : 0
}

async function verified(id: string, records: Records, parts: VerifyParts) {
  const detail = await records.run(id).catch((error: unknown) => {
    if (error instanceof SyntaxError) return error
    throw error
  })
  if (detail instanceof SyntaxError) {
    const found = differing('run and telemetry', [{ field: 'record', recorded: 'JSON', found: detail.message }])
    return { id, recorded_by: null, checks: [found] }
  }
  if (detail === null) throw new CommandFailure(`${id}: no such call`)
  const { telemetry, run, chunkTimes } = detail
  const requestBytes = await bytesOf(id, 'request', records)
  const responseBytes = await bytesOf(id, 'response', records)
  const unreadable = Object.fromEntries(
    Object.entries({ request: requestBytes, response: responseBytes }).flatMap(([side, bytes]) =>
      bytes instanceof Error ? [[side, bytes.message]] : [],
    ),
  )
  const call = {
    ...{ telemetry, run, chunkTimes, unreadable },
    requestBytes: requestBytes instanceof Error ? null : requestBytes,
    responseBytes: responseBytes instanceof Error ? null : responseBytes,
  }
  return { id, recorded_by: telemetry.program_version ?? null, checks: await verifyRecord(call, parts) }
}

/** Kept bytes that cannot be unpacked are not those that were kept. */
const bytesOf = (id: string, side: 'request' | 'response', records: Records): Promise<Uint8Array | null | Error> =>
  records.body(id, side).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && /^(?:Z_|ZSTD|ERR_BUFFER_TOO_LARGE)/.test(String(error.code)))
      return error
    throw error
  })

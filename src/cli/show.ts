import { isId } from '../lib/id.ts'
import type { RunDetail } from '../stores/store.ts'
import type { Command } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { filterOptions, timeZone } from './question.ts'
import type { Records } from './records.ts'
import { runText } from './run-text.ts'
import { recordOptions, withRecords } from './with-records.ts'

export const show: Command = {
  details: `ID is what \`sightglass runs\` prints, or the answer's x-sightglass-id header.
The beginning of it will do, from 8 characters on, if no other call's id begins so.

Examples:
  sightglass show 019f5c1e-8a3b
  sightglass show 019f5c1e-8a3b --json
  sightglass show 019f5c1e-8a3b --raw response > answer.bin`,
  options: {
    raw: { value: 'SIDE', about: 'The bytes of the request or response, exactly as they were, on standard output.' },
    tz: filterOptions.tz!,
    json: filterOptions.json!,
    ...recordOptions,
  },
  async run(given, io) {
    const zone = timeZone(given)
    const raw = given.text('raw')
    if (raw !== undefined && raw !== 'request' && raw !== 'response') {
      throw new UsageError(`--raw ${raw}: wants request or response`)
    }
    const wanted = given.operands[0]!.toLowerCase()
    if (!isBeginning(wanted)) {
      throw new UsageError(
        `${wanted}: is no id; wants one such as \`sightglass runs\` prints, at least 8 characters of it`,
      )
    }
    await withRecords(given, io, async (records) => {
      const id = await wholeId(wanted, records)
      if (raw !== undefined) return io.out(await kept(id, raw, records))
      const detail = await records.run(id)
      if (!detail) throw new CommandFailure(`${id}: no such call`)
      io.out(given.flag('json') ? `${JSON.stringify(document(detail), null, 2)}\n` : runText(detail, zone, io.width))
    })
    return 0
  },
}

/** As the API gives it. */
const document = ({ telemetry, run, chunkTimes }: RunDetail) => ({ telemetry, run, chunk_times: chunkTimes })

async function kept(id: string, side: 'request' | 'response', records: Records): Promise<Uint8Array> {
  const bytes = await records.body(id, side)
  if (bytes) return bytes
  throw new CommandFailure(`${id}: no bytes of the ${side} are kept, or there is no such call`)
}

const isBeginning = (text: string): boolean =>
  text.length <= 36 && /^[0-9a-f]{8}(?:-[0-9a-f]{0,4}){0,4}[0-9a-f]*$/.test(text)

/** The id that begins like this. Its first 48 bits are the moment of the call, which narrows the search. */
async function wholeId(beginning: string, records: Records): Promise<string> {
  if (isId(beginning)) return beginning
  const time = beginning.replaceAll('-', '').slice(0, 12)
  // ids made in one millisecond may run ahead of the clock
  const from = Math.max(0, Number.parseInt(time.padEnd(12, '0'), 16) - 10_000)
  const to = Number.parseInt(time.padEnd(12, 'f'), 16) + 1
  const found = await idsBetween(from, to, beginning, records)
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw new CommandFailure(`${beginning}: no call has an id that begins like this`)
  throw new CommandFailure(`${beginning}: begins the ids of several calls:\n${found.map((id) => `  ${id}\n`).join('')}`)
}

async function idsBetween(from: number, to: number, beginning: string, records: Records): Promise<readonly string[]> {
  const found: string[] = []
  let cursor: string | null = null
  do {
    const page = await records.runs({
      operation: 'all',
      from: String(from),
      to: String(to),
      limit: '200',
      ...(cursor === null ? {} : { cursor }),
    })
    found.push(...page.items.map(({ telemetry }) => telemetry._id).filter((id) => id.startsWith(beginning)))
    cursor = page.nextCursor
  } while (cursor !== null && found.length < 5)
  return found
}

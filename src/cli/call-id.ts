import { isId } from '../lib/id.ts'
import { CommandFailure, UsageError } from './failure.ts'
import type { Records } from './records.ts'

/** The operand `ID` of a command: a whole id, or the beginning of one. */
export function idOperand(text: string): string {
  const wanted = text.toLowerCase()
  if (isBeginning(wanted)) return wanted
  throw new UsageError(`${wanted}: is no id; wants one such as \`sightglass runs\` prints, at least 8 characters of it`)
}

const isBeginning = (text: string): boolean =>
  text.length <= 36 && /^[0-9a-f]{8}(?:-[0-9a-f]{0,4}){0,4}[0-9a-f]*$/.test(text)

/** The id that begins like this. Its first 48 bits are the moment of the call, which narrows the search. */
export async function wholeId(beginning: string, records: Records): Promise<string> {
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

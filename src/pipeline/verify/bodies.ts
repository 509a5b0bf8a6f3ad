import { hash } from 'node:crypto'
import type { KeptCall } from '../stored-exchange.ts'
import { type Check, differing, notChecked } from './check.ts'
import { type Difference, differences } from './differences.ts'

/** Whether the kept bytes of one side are those that passed: their number and their SHA-256. */
export function checkBytes(call: KeptCall, side: 'request' | 'response'): Check {
  const { telemetry, run } = call
  const what = `${side === 'request' ? 'request' : 'answer'} bytes` as const
  const bytes = call[`${side}Bytes`]
  const facts = run[`${side}_body`]
  const { metadata } = telemetry
  const found: Difference[] = [
    ...differences(`telemetry.metadata.${side}_size`, metadata[`${side}_size`], facts.size),
    ...differences(`telemetry.metadata.${side}_sha256`, metadata[`${side}_sha256`], facts.sha256),
    ...differences(`run.${side}_body.truncated`, facts.truncated, facts.kept < facts.size),
    ...differences(`run.${side}_body.kept`, facts.kept, call.unreadable?.[side] ?? bytes?.length ?? 0),
  ]
  if (found.length > 0) return differing(what, found)
  if (facts.kept === 0 && facts.size > 0) return notChecked(what, notKept(call, side))
  if (facts.truncated) return notChecked(what, `${cutShort}, and the hash is of the whole`)
  if (facts.sha256 === null) return notChecked(what, 'no hash was recorded')
  const sha256 = hash('sha256', bytes ?? new Uint8Array(0), 'hex')
  if (sha256 !== facts.sha256 && metadata.masked && bytes !== null && Buffer.from(bytes).includes('*'.repeat(12)))
    return notChecked(what, 'a secret was masked in them; the hash is of the bytes as they were')
  return differing(what, differences(`run.${side}_body.sha256`, facts.sha256, sha256))
}

export const cutShort = 'only the beginning is kept (body_limit)'

/** Why there are no bytes of a side, for people. */
export function notKept({ telemetry: { metadata } }: KeptCall, side: 'request' | 'response'): string {
  const name = side === 'request' ? 'request' : 'answer'
  const note = metadata.notes.find((one) => one.startsWith(`the ${name} is not kept`))
  return note ?? `no bytes of the ${name} are kept (capture ${metadata[`capture_${side}`]})`
}

import { expect } from 'vitest'
import { type RawAnswer, rawExchange, type Sendable } from '../support/raw-client.ts'

/** What differs between two answers of a real server to the same question: ids, moments and durations. */
const varying = /^(id|_request_id|created|created_at|modified_at|expires_at|timings|.*_duration|tool_call_id|call_id)$/

/** The value with everything that varies replaced by its type. */
export function alike(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(alike)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(JSON.parse(JSON.stringify(value)) as object).map(([name, part]) => [
      name,
      varying.test(name) ? typeof part : alike(part),
    ]),
  )
}

/** Body text with ids, moments and durations blanked, all other bytes as they came. */
export const blanked = (text: string): string =>
  text
    .replace(/"timings":\{[^}]*\}/g, '"timings":{}')
    .replace(/("(?:id|created_at|tool_call_id)":)"[^"]*"/g, '$1""')
    .replace(/("(?:created|\w+_duration)":)\d+/g, '$10')

/** Asks both ways over raw sockets and wants the same answer: head, framing and body. */
export async function expectSameBytes(
  direct: Way,
  proxied: Way,
  see: (text: string) => string = (text) => text,
): Promise<Both> {
  const [one, other] = [await ask(direct), await ask(proxied)]
  const head = (answer: RawAnswer) =>
    answer.headWithout('date', 'connection', 'keep-alive', 'content-length', 'x-sightglass-id')
  expect(head(other)).toBe(head(one))
  expect(see(other.bodyText)).toBe(see(one.bodyText))
  expect([other.framing, other.ended]).toEqual([one.framing, one.ended])
  if (see(one.bodyText) === one.bodyText) expect(other.header('content-length')).toBe(one.header('content-length'))
  return { direct: one, proxied: other }
}

export interface Way {
  port: number
  request: Sendable
}

export interface Both {
  direct: RawAnswer
  proxied: RawAnswer
}

const ask = ({ port, request }: Way) => rawExchange(port, request, { deadlineMs: 30_000 })

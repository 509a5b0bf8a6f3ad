import { isObject } from '../../records/json.ts'

/** A value that the record has, and what was found in its place. */
export interface Difference {
  /** `telemetry.metadata.ttft_ms`, `run.choices[0].text` … */
  field: string
  recorded: unknown
  found: unknown
}

/** No list of differences of one field is longer. */
const mostDifferences = 20

/** Where two values differ, as deep as they have the same shape. What JSON does not know is as JSON has it. */
export function differences(field: string, recorded: unknown, found: unknown, near = equal): Difference[] {
  const all: Difference[] = []
  compare(field, plain(recorded), plain(found), near, all)
  return all
}

const equal = (one: unknown, other: unknown): boolean => one === other

const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)))

function compare(field: string, recorded: unknown, found: unknown, near: typeof equal, all: Difference[]): void {
  if (all.length >= mostDifferences || near(recorded, found)) return
  if (Array.isArray(recorded) && Array.isArray(found) && recorded.length === found.length) {
    for (const [place, item] of recorded.entries()) compare(`${field}[${place}]`, item, found[place], near, all)
    return
  }
  if (isObject(recorded) && isObject(found)) {
    for (const name of new Set([...Object.keys(recorded), ...Object.keys(found)]))
      compare(`${field}.${name}`, recorded[name] ?? null, found[name] ?? null, near, all)
    return
  }
  all.push({ field, recorded, found })
}

/** Times are kept to the microsecond, and made of differences that a double holds nearly. */
export const nearlyEqual = (one: unknown, other: unknown): boolean =>
  one === other ||
  (typeof one === 'number' &&
    typeof other === 'number' &&
    Math.abs(one - other) <= Math.max(0.0015, Math.abs(one) * 1e-4))

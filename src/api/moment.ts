/**
 * Reads a point in time as people and programs write it, as Unix milliseconds: `2026-11-20` and `2026-11-20T10:15` (in
 * `timeZone` unless an offset says otherwise), Unix milliseconds, `24h` ago, or `now`. Null when it is none of these.
 */
export function readMoment(text: string, nowMs: number, timeZone: string): number | null {
  if (text === 'now') return nowMs
  const ago = /^(\d{1,6})([smhdw])$/.exec(text)
  if (ago) return nowMs - Number(ago[1]) * unitMs[ago[2] as keyof typeof unitMs]
  if (/^\d{12,15}$/.test(text)) return Number(text)
  return readIso(text, timeZone)
}

export const momentForms =
  'a date (2026-11-20), a time (2026-11-20T10:15:00Z), Unix milliseconds, or a span back (24h, 7d)'

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

// a space before the offset is a plus sign that was not encoded
const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+\- ]\d\d:?\d\d)?)?$/i

function readIso(text: string, timeZone: string): number | null {
  const found = iso.exec(text)
  if (!found) return null
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0))
  const fraction = Math.floor(Number(`0.${found[7] ?? 0}`) * 1_000)
  const asUtc = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!, fraction)
  const back = new Date(asUtc)
  const real = back.getUTCFullYear() === year && back.getUTCMonth() === month! - 1 && back.getUTCDate() === day
  if (!real || hour! > 23 || minute! > 59 || second! > 59) return null
  const offset = found[8]
  return offset === undefined ? fromWallTime(asUtc, timeZone) : asUtc - offsetMs(offset)
}

function offsetMs(offset: string): number {
  if (offset.toUpperCase() === 'Z') return 0
  const sign = offset.startsWith('-') ? -1 : 1
  return sign * (Number(offset.slice(1, 3)) * unitMs.h + Number(offset.slice(-2)) * unitMs.m)
}

/** The moment at which clocks of the zone show this time; of two such moments the first, in a gap the one after it. */
function fromWallTime(asUtc: number, timeZone: string): number {
  const before = asUtc - zoneOffsetMs(asUtc - unitMs.d, timeZone)
  const after = asUtc - zoneOffsetMs(asUtc + unitMs.d, timeZone)
  if (before === after) return before
  return (
    [before, after]
      .sort((one, other) => one - other)
      .find((moment) => moment + zoneOffsetMs(moment, timeZone) === asUtc) ?? Math.max(before, after)
  )
}

function zoneOffsetMs(atMs: number, timeZone: string): number {
  const name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(atMs)
  const text = name.find(({ type }) => type === 'timeZoneName')?.value.slice('GMT'.length) ?? ''
  return text === '' ? 0 : offsetMs(text)
}

export function isTimeZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: text })
    return true
  } catch {
    return false
  }
}

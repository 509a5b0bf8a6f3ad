import { dayMs, hourMs } from './levels.ts'

/** Local hours and days of an IANA zone. */
export interface Zone {
  /** The local day or hour that holds the moment: a number that changes exactly where its name does. */
  place(unit: TimeUnit, ms: number): number
  /** `2026-11-21` for a day, `2026-10-25T02:00+01:00` for an hour: the offset tells the two hours of a clock change apart. */
  label(unit: TimeUnit, ms: number): string
}

export type TimeUnit = 'hour' | 'day'

/** Throws a RangeError for a name the platform does not know. */
export function zoneOf(name: string): Zone {
  const offsetMs = name === 'UTC' ? () => 0 : offsets(name)
  return {
    place(unit, ms) {
      const offset = offsetMs(ms)
      if (unit === 'day') return Math.floor((ms + offset) / dayMs)
      return Math.floor((ms + offset) / hourMs) * hourMs - offset
    },
    label(unit, ms) {
      const offset = offsetMs(ms)
      const local = new Date(ms + offset).toISOString()
      return unit === 'day' ? local.slice(0, 10) : `${local.slice(0, 13)}:00${offsetText(offset)}`
    },
  }
}

const quarterMs = 900_000

/** Offsets change at most once in a UTC day, and then on a quarter of an hour. */
function offsets(zone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  const read = (ms: number): number => parseOffset(format.format(ms))
  const days = new Map<number, number | 'changes'>()
  const quarters = new Map<number, number>()
  return (ms) => {
    const day = Math.floor(ms / dayMs)
    let known = days.get(day)
    if (known === undefined) {
      const first = read(day * dayMs)
      known = first === read((day + 1) * dayMs - 1) ? first : 'changes'
      days.set(day, known)
    }
    if (known !== 'changes') return known
    const quarter = Math.floor(ms / quarterMs)
    let offset = quarters.get(quarter)
    if (offset === undefined) {
      offset = read(quarter * quarterMs)
      quarters.set(quarter, offset)
    }
    return offset
  }
}

/** From `11/21/2026, GMT+05:30`; a bare `GMT` is zero. */
function parseOffset(text: string): number {
  const [, sign, hours, minutes, seconds] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text) ?? []
  if (sign === undefined) return 0
  const ms = Number(hours) * hourMs + Number(minutes) * 60_000 + Number(seconds ?? 0) * 1000
  return sign === '-' ? -ms : ms
}

function offsetText(offsetMs: number): string {
  if (offsetMs === 0) return 'Z'
  const minutes = Math.abs(Math.round(offsetMs / 60_000))
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** How values look to people. Unknown is `–`, never 0. */
export const unknown = '–'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export const countText = (value: number | null | undefined): string =>
  Number.isFinite(value) ? whole.format(value!) : unknown

/** `0.42 ms`, `182 ms`, `1.84 s`, `2 m 05 s`, `1 h 02 m`. */
export function durationText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return unknown
  if (ms < 0.995) return `${ms === 0 ? '0' : digits(ms, 2)} ms`
  if (ms < 9.95) return `${digits(ms, 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 9_995) return `${digits(ms / 1_000, 2)} s`
  if (ms < 59_950) return `${digits(ms / 1_000, 1)} s`
  const seconds = Math.round(ms / 1_000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} m`
}

const digits = (value: number, places: number) => value.toFixed(places)

/** Dollars from whole 10⁻¹² dollars: `$12.35`, `$0.0214`, `$0.000525`, `$0`; as many digits as the amount needs. */
export function moneyText(picodollars: string | null | undefined): string {
  if (picodollars === null || picodollars === undefined || !/^-?\d+$/.test(picodollars)) return unknown
  const amount = BigInt(picodollars)
  if (amount === 0n) return '$0'
  const size = amount < 0n ? -amount : amount
  const leading = 13 - size.toString().length
  const places = size >= 10n ** 12n ? 2 : Math.min(12, Math.max(4, leading + 2))
  const unit = 10n ** BigInt(12 - places)
  const rounded = (size + unit / 2n) / unit
  const text = rounded.toString().padStart(places + 1, '0')
  const dollars = whole.format(BigInt(text.slice(0, -places)))
  const cents = text.slice(-places).replace(/0+$/, '').padEnd(2, '0')
  return `${amount < 0n ? '-' : ''}$${dollars}.${cents}`
}

/** `512 B`, `1.5 KiB`, `3.2 MiB`. */
export function bytesText(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return unknown
  let value = bytes
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1_024) return `${unit === 'B' ? value : digits(value, value < 10 ? 1 : 0)} ${unit}`
    value /= 1_024
  }
  return `${whole.format(value)} TiB`
}

export const rateText = (perSecond: number | null | undefined): string =>
  perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)
    ? unknown
    : `${digits(perSecond, perSecond < 99.95 ? 1 : 0)}/s`

export const percentText = (part: number, of: number): string =>
  of === 0 ? unknown : `${digits((part / of) * 100, part > 0 && part / of < 0.1 ? 1 : 0)} %`

/** `2026-11-20 10:15:30`, in the zone; with milliseconds and the zone's short name for one moment alone. */
export function timeText(ms: number, timeZone: string, form: 'list' | 'full' = 'list'): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).formatToParts(ms)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? ''
  const date = `${part('year')}-${part('month')}-${part('day')}`
  const time = `${part('hour')}:${part('minute')}:${part('second')}`
  return form === 'list' ? `${date} ${time}` : `${date} ${time}.${part('fractionalSecond')} ${part('timeZoneName')}`
}

export const localZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** One harmless line: what a prompt holds must not move the cursor or paint the terminal. */
export const oneLine = (text: string): string => harmless(text).replace(/\s+/g, ' ').trim()

/** Text as it is, but for characters that steer a terminal: these are shown, not sent to it. */
export const harmless = (text: string): string =>
  text.replace(/\r\n?/g, '\n').replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, (one) => {
    const code = one.charCodeAt(0)
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
  })

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns the text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** The text within so many columns, `…` at its end when something is missing. */
export function shortened(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let width = 0
  let result = ''
  for (const { segment } of graphemes.segment(text)) {
    width += widthOf(segment)
    if (width > columns - 1) break
    result += segment
  }
  return `${result.trimEnd()}…`
}

import { arrayAt, at, isObject, type JsonObject, objectOf, stringAt } from '../records/json.ts'
import type { PriceEntry } from './prices.ts'

/** A price that holds for one call, and the place in the price file where it stands. */
export interface Price {
  readonly text: string
  readonly field: string
}

/** What of a call decides which of an entry's prices hold. */
export interface Circumstances {
  /** When the request was made. */
  wallMs: number
  /** Every input token, cached or not. */
  inputTokens: number
  /** As served, not as wished. */
  serviceTier: string | null
  batch: boolean
}

/** The prices of an entry that hold for one call: dated changes, off-peak hours, long context, service tier, batch. */
export function priceSheet(entry: PriceEntry, call: Circumstances): ReadonlyMap<string, Price> {
  const sheet = new Map<string, Price>()
  const apply = (fields: unknown, path: string): void => {
    if (isObject(fields)) for (const [name, price] of pricesIn(fields, path)) sheet.set(name, price)
  }
  apply(entry.fields, '')
  const dated = datedLayers(entry.fields, new Date(call.wallMs).toISOString().slice(0, 10))
  let source: { fields: JsonObject; prefix: string } = { fields: entry.fields, prefix: '' }
  if (dated.length > 0) {
    // what a dated entry does not repeat of these is unknown for its time
    sheet.delete('batch_input')
    sheet.delete('batch_output')
    for (const layer of dated) apply(layer.fields, layer.prefix)
    source = dated.at(-1)!
  } else if (isObject(entry.fields.off_peak) && !isPeak(entry.fields.off_peak, call.wallMs))
    apply(entry.fields.off_peak, 'off_peak.')

  const tier = longContext(source.fields, call)
  const tierPath = `${source.prefix}tiers.[${tier}].`
  const tierFields = at(source.fields, 'tiers', tier)
  apply(tierFields, tierPath)

  const service = serviceTiers.get(call.serviceTier ?? '')
  if (service !== undefined) {
    if (isObject(at(tierFields, service))) apply(at(tierFields, service), `${tierPath}${service}.`)
    else apply(at(source.fields, service), `${source.prefix}${service}.`)
  }
  if (call.batch) {
    for (const side of ['input', 'output']) {
      const price = sheet.get(`batch_${side}`)
      if (price) sheet.set(side, price)
    }
  }
  if (entry.fromRule) for (const [name, price] of sheet) sheet.set(name, { ...price, field: 'rules' })
  return sheet
}

/** The last of the long-context tiers that the input passed; -1 for none. */
const longContext = (fields: JsonObject, { inputTokens }: Circumstances): number =>
  arrayAt(fields, 'tiers').findLastIndex((tier) => Number(stringAt(tier, 'above_input_tokens')) < inputTokens)

/** Tiers that are the base price under another name. */
const usualTiers: ReadonlySet<string> = new Set(['default', 'standard', 'auto', 'on_demand', 'batch', ''])

/** Whether the base price holds for a call only because no price is known for the service tier that served it. */
export function tierIsUnpriced(entry: PriceEntry, call: Circumstances): boolean {
  const tier = call.serviceTier ?? ''
  if (usualTiers.has(tier) || entry.fromRule) return false
  const service = serviceTiers.get(tier)
  if (service === undefined) return true
  const dated = datedLayers(entry.fields, new Date(call.wallMs).toISOString().slice(0, 10)).at(-1)
  const fields = dated?.fields ?? entry.fields
  return !isObject(at(fields, service)) && !isObject(at(fields, 'tiers', longContext(fields, call), service))
}

const serviceTiers: ReadonlyMap<string, string> = new Map([
  ['priority', 'priority'],
  ['fast', 'priority'],
  ['flex', 'flex'],
  ['ultrafast', 'ultrafast'],
])

/** The prices of one object of a price file; it always stands at the same path. */
function pricesIn(fields: JsonObject, path: string): readonly (readonly [name: string, price: Price])[] {
  const known = read.get(fields)
  if (known) return known
  const prices = Object.entries(fields).flatMap(([name, text]): [string, Price][] =>
    typeof text === 'string' && decimal.test(text) ? [[name, { text, field: `${path}${name}` }]] : [],
  )
  read.set(fields, prices)
  return prices
}

const read = new WeakMap<JsonObject, readonly (readonly [string, Price])[]>()
const decimal = /^\d+(\.\d+)?$/

/** Earlier prices hold before `until`, the earliest such entry; else every announced change from its day on. */
function datedLayers(fields: JsonObject, day: string): readonly { fields: JsonObject; prefix: string }[] {
  const layers = (list: 'history' | 'changes', date: 'until' | 'from') =>
    arrayAt(fields, list)
      .map((entry, place) => ({
        fields: objectOf(entry),
        prefix: `${list}.[${place}].`,
        day: stringAt(entry, date) ?? '',
      }))
      .sort((one, other) => (one.day < other.day ? -1 : 1))
  const past = layers('history', 'until').find((layer) => layer.day > day)
  return past ? [past] : layers('changes', 'from').filter((layer) => layer.day <= day)
}

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

function isPeak(offPeak: JsonObject, wallMs: number): boolean {
  const when = new Date(wallMs)
  const time = when.toISOString().slice(11, 16)
  const peakDays = arrayAt(offPeak, 'peak_hours', 'days')
  if (peakDays.length > 0 && !peakDays.includes(days[when.getUTCDay()])) return false
  return arrayAt(offPeak, 'peak_hours', 'utc').some((window) => {
    const [from, to] = Array.isArray(window) ? window : []
    if (typeof from !== 'string' || typeof to !== 'string') return false
    return from <= to ? from <= time && time < to : from <= time || time < to
  })
}

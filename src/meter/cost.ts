import { isObject } from '../records/json.ts'
import { type Usage, unknownUsage } from '../records/usage.ts'
import { Bill } from './bill.ts'
import { scaledRounded } from './decimal.ts'
import { findPrice } from './match.ts'
import type { Cost } from './metered.ts'
import type { PriceBook, PriceEntry } from './prices.ts'
import { tierIsUnpriced } from './sheet.ts'
import { billPieces, hasPieces, type Units } from './units.ts'

/** What one call is billed by. */
export interface Billable {
  provider: string
  /** As the answer named it, else as asked for. */
  model: string | null
  wallMs: number
  usage: Usage | null
  /** The counts were estimated. */
  estimated: boolean
  serviceTier: string | null
  batch: boolean
  /** `speed:fast`, `inference_geo:us`, `region:eu`: what multiplies token prices where an entry says so. */
  conditions: readonly string[]
  units?: Units
}

/** The bill of one call, exact to 10⁻¹² dollars; unknown wherever a count or a price is missing. */
export function costOf(call: Billable, book: PriceBook): Cost {
  const { usage, units = {} } = call
  const reported = usage?.costReportedUsd ?? null
  if (reported !== null && /^\d+(\.\d+)?$/.test(reported)) return reportedCost(reported)
  const counted = usage !== null && (usage.input !== null || usage.output !== null)
  const entry = call.model === null ? null : findPrice(book, call.provider, call.model)
  if (!counted && !hasPieces(units)) return entry?.mode === 'moderation' ? free(entry) : unknown('no tokens counted')
  if (call.model === null) return unknown(`no model named by ${call.provider}`)
  if (!entry)
    return unknown(
      book.providers.has(call.provider)
        ? `no price for ${call.provider}/${call.model}`
        : `no price list of the provider ${call.provider}, and no other alone has ${call.model}`,
    )
  const { wallMs, serviceTier, batch } = call
  const circumstances = { wallMs, serviceTier, batch, inputTokens: usage?.input ?? 0 }
  const bill = new Bill(entry, circumstances, call.conditions)
  const hasTokenPrice = bill.has('input') || bill.has('output')
  const byTokens = counted && (hasTokenPrice || !hasPieces(units))
  const missing = byTokens ? billTokens(bill, asBilled(usage), entry) : null
  if (missing !== null) return unknown(`${missing} for ${call.provider}/${call.model}`, entry.version)
  const byPieces = billPieces(bill, units, entry, byTokens)
  if (!byTokens && !byPieces && !entry.fromRule)
    return unknown(`no tokens counted for ${call.provider}/${call.model}`, entry.version)
  billFees(bill, call, entry)
  if (bill.unpriced !== null)
    return unknown(`no ${bill.unpriced} price for ${call.provider}/${call.model}`, entry.version)
  return {
    picodollars: bill.total(),
    // a price by the piece stands in for the tokens that such a model is billed by
    estimated: call.estimated || (!byTokens && hasTokenPrice && !entry.fromRule),
    unpricedReason: null,
    note: tierIsUnpriced(entry, circumstances)
      ? `no price of the service tier ${serviceTier?.slice(0, 60)} is known: the base price was billed`
      : null,
    priceVersion: entry.version,
    lines: bill.lines,
  }
}

/** Of what is billed to nobody. */
export const noCost: Cost = Object.freeze({
  picodollars: null,
  estimated: false,
  unpricedReason: null,
  note: null,
  priceVersion: null,
  lines: [],
})

const unknown = (unpricedReason: string, priceVersion: string | null = null): Cost => ({
  ...noCost,
  unpricedReason,
  priceVersion,
})

/** Nobody counts what is given away. */
const free = (entry: PriceEntry): Cost => ({ ...noCost, picodollars: 0n, priceVersion: entry.version })

function reportedCost(price: string): Cost {
  const picodollars = scaledRounded(price, 12)
  return {
    ...noCost,
    picodollars,
    priceVersion: 'reported',
    lines: [{ kind: 'reported', field: 'reported', quantity: 1, price, unit: 'each', factor: null, picodollars }],
  }
}

/** A vendor that tells what it bills bills that and nothing else: neither its cache nor its hidden tokens have a price. */
const asBilled = (usage: Usage): Usage =>
  usage.billedInput === null && usage.billedOutput === null
    ? usage
    : { ...unknownUsage, input: usage.billedInput, output: usage.billedOutput }

/** Bills every token once. Returns what count is missing, or null. */
function billTokens(bill: Bill, usage: Usage, entry: PriceEntry): string | null {
  if (usage.input === null) return usage.searchUnits === null && usage.images === null ? 'no input count' : null
  if (usage.output === null && !withoutOutput.has(entry.mode ?? '') && !entry.fromRule) return 'no output count'
  const read = usage.cacheRead ?? 0
  const write = usage.cacheWrite ?? 0
  const write1h = Math.min(usage.cacheWrite1h ?? 0, write)
  const fresh = usage.inputUncached ?? less(usage.input, read + write)
  const readAudio = Math.min(usage.cachedAudioInput ?? 0, read)
  const readImage = Math.min(usage.cachedImageInput ?? 0, read)
  const freshAudio = Math.min(less(usage.audioInput ?? 0, readAudio), fresh)
  const freshImage = Math.min(less(usage.imageInput ?? 0, readImage), fresh)
  const freshText = fresh - freshAudio - freshImage
  const freshVideo = bill.has('video_input') ? Math.min(usage.videoInput ?? 0, freshText) : 0
  bill.tokens(freshText - freshVideo, ['input'])
  bill.tokens(freshVideo, ['video_input'])
  bill.tokens(read - readAudio - readImage, ['cached_input', 'input'])
  bill.tokens(write - write1h, ['cache_write', 'input'])
  bill.tokens(write1h, ['cache_write_1h', 'cache_write', 'input'])
  bill.tokens(freshAudio, ['audio_input', 'input'])
  bill.tokens(readAudio, ['cached_audio_input', 'cached_input', 'audio_input', 'input'])
  bill.tokens(freshImage, ['image_input', 'input'])
  bill.tokens(readImage, ['cached_image_input', 'cached_input', 'image_input', 'input'])

  const output = usage.output ?? 0
  const audio = Math.min(usage.audioOutput ?? 0, output)
  const image = Math.min(usage.imageOutput ?? (entry.mode === 'image' ? output : 0), output - audio)
  const video = bill.has('video_output') ? Math.min(usage.videoOutput ?? 0, output - audio - image) : 0
  const text = output - audio - image - video
  const reasoning = bill.has('reasoning_output') ? Math.min(usage.reasoning ?? 0, text) : 0
  bill.tokens(text - reasoning, ['output'])
  bill.tokens(video, ['video_output'])
  bill.tokens(audio, ['audio_output', 'output'])
  bill.tokens(image, ['image_output', 'output'])
  bill.tokens(reasoning, ['reasoning_output'])
  return null
}

/** Modes whose calls have no output tokens to count. */
const withoutOutput = new Set(['embedding', 'rerank', 'moderation', 'audio_speech', 'ocr'])

const less = (whole: number, part: number): number => Math.max(0, whole - part)

function billFees(bill: Bill, { usage, units = {} }: Billable, { fields }: PriceEntry): void {
  bill.tokens(usage?.citations ?? 0, ['citation_input', 'input'])
  const byContext = [`web_search.${usage?.searchContext ?? units.searchContext ?? 'low'}`]
  // a fee by search context is one for the request, however often was searched
  if (usage?.requestFees && isObject(fields.web_search)) bill.each(usage.requestFees, byContext)
  else bill.each(usage?.webSearches ?? 0, ['web_search', ...byContext])
  if (bill.has('per_request')) bill.each(1, ['per_request'])
}

import { type Usage, unknownUsage } from '../records/usage.ts'
import { Bill } from './bill.ts'
import { scaledRounded } from './decimal.ts'
import { findPrice } from './match.ts'
import type { Cost } from './metered.ts'
import type { PriceBook, PriceEntry } from './prices.ts'

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

/** Quantities that are no tokens, and tokens that only one vendor bills. */
export interface Units {
  images?: number
  imageQuality?: string
  imageSize?: string
  seconds?: number
  characters?: number
  searchUnits?: number
  pages?: number
  citationTokens?: number
  /** `low`, `medium`, `high`: where a search fee depends on it. */
  searchContext?: string
}

/** The bill of one call, exact to 10⁻¹² dollars; unknown wherever a count or a price is missing. */
export function costOf(call: Billable, book: PriceBook): Cost {
  const { usage } = call
  const reported = usage?.costReportedUsd ?? null
  if (reported !== null && /^\d+(\.\d+)?$/.test(reported)) return reportedCost(reported)
  if (usage === null && call.units === undefined) return unknown('no tokens counted')
  if (call.model === null) return unknown(`no model named by ${call.provider}`)
  const entry = findPrice(book, call.provider, call.model)
  if (!entry) return unknown(`no price for ${call.provider}/${call.model}`)
  const { wallMs, serviceTier, batch } = call
  const bill = new Bill(entry, { wallMs, serviceTier, batch, inputTokens: usage?.input ?? 0 }, call.conditions)
  const missing = usage === null ? null : billTokens(bill, asBilled(usage), entry)
  if (missing !== null) return unknown(`${missing} for ${call.provider}/${call.model}`, entry.version)
  billUnits(bill, call)
  if (bill.unpriced !== null)
    return unknown(`no ${bill.unpriced} price for ${call.provider}/${call.model}`, entry.version)
  return {
    picodollars: bill.total(),
    estimated: call.estimated,
    unpricedReason: null,
    priceVersion: entry.version,
    lines: bill.lines,
  }
}

const unknown = (unpricedReason: string, priceVersion: string | null = null): Cost => ({
  picodollars: null,
  estimated: false,
  unpricedReason,
  priceVersion,
  lines: [],
})

function reportedCost(price: string): Cost {
  const picodollars = scaledRounded(price, 12)
  return {
    picodollars,
    estimated: false,
    unpricedReason: null,
    priceVersion: 'reported',
    lines: [{ field: 'reported', quantity: 1, price, unit: 'each', picodollars }],
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

function billUnits(bill: Bill, { usage, units = {} }: Billable): void {
  bill.tokens(units.citationTokens ?? 0, ['citation_input', 'input'])
  bill.each(usage?.webSearches ?? 0, ['web_search', `web_search.${units.searchContext ?? 'low'}`])
  const size = [units.imageQuality, units.imageSize].filter((part) => part !== undefined).join('/')
  bill.each(units.images ?? usage?.images ?? 0, [
    `per_image_sizes.${size}`,
    `per_image_sizes.${units.imageSize}`,
    'per_image',
  ])
  bill.each(units.seconds ?? 0, ['per_second'])
  bill.each(units.characters ?? 0, ['per_character'])
  bill.each(units.searchUnits ?? usage?.searchUnits ?? 0, ['per_query'])
  bill.each(units.pages ?? 0, ['per_page'])
  if (bill.has('per_request')) bill.each(1, ['per_request'])
}

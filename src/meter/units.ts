import type { Observed } from '../formats/observed.ts'
import { given } from '../lib/given.ts'
import type { Usage } from '../records/usage.ts'
import type { Bill } from './bill.ts'
import type { PriceEntry } from './prices.ts'

/** Quantities that are no tokens, and what their prices go by. */
export interface Units {
  images?: number
  imageQuality?: string
  imageSize?: string
  seconds?: number
  characters?: number
  searchUnits?: number
  pages?: number
  /** `low`, `medium`, `high`, as it was asked for; the vendor's own word in the usage comes before it. */
  searchContext?: string
}

/** What one call is billed by besides its tokens. */
export function unitsOf(usage: Usage | null, { request, decoded }: Observed): Units {
  const { size, quality, search_context } = request.parameters
  return given({
    images: usage?.images ?? undefined,
    // what was made counts, not what was wished for
    imageSize: decoded?.imageKind?.size ?? word(size),
    imageQuality: decoded?.imageKind?.quality ?? word(quality),
    seconds: usage?.audioSeconds ?? undefined,
    characters: usage?.characters ?? undefined,
    searchUnits: usage?.searchUnits ?? undefined,
    searchContext: usage?.webSearches ? word(search_context) : undefined,
  })
}

const word = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** Things that are paid by the piece where a model has such a price. */
export const hasPieces = (units: Units): boolean =>
  [units.images, units.seconds, units.characters, units.searchUnits, units.pages].some((count) => count !== undefined)

/**
 * Bills each kind of piece that the model has a price for. False: it has none for any of them. `byTokens`: the tokens are billed
 * already, so that only what is taken beside them is.
 */
export function billPieces(bill: Bill, units: Units, entry: PriceEntry, byTokens: boolean): boolean {
  const kinds: readonly (readonly [count: number | undefined, names: readonly string[], besideTokens?: true])[] = [
    [units.images, imagePrices(units, entry)],
    [units.seconds, ['per_second']],
    [units.characters, ['per_character']],
    [units.searchUnits, ['per_query'], true],
    [units.pages, ['per_page']],
  ]
  let priced = false
  for (const [count, names, besideTokens] of kinds) {
    if (byTokens && !besideTokens) continue
    if (count === undefined || !names.some((name) => bill.has(name))) continue
    priced = true
    bill.each(count, names)
  }
  return priced
}

function imagePrices({ imageQuality, imageSize }: Units, entry: PriceEntry): readonly string[] {
  const usual = unsaid.find(([model]) => entry.model.startsWith(model))
  const quality = imageQuality ?? usual?.[1]
  const size = imageSize ?? usual?.[2]
  return [`per_image_sizes.${quality}/${size}`, `per_image_sizes.${size}`, 'per_image']
}

/** What a request that says neither size nor quality gets; models that are not listed choose by themselves, and say what. */
const unsaid: readonly (readonly [model: string, quality: string, size: string])[] = [
  ['dall-e', 'standard', '1024x1024'],
]

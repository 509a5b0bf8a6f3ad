import { dirname } from 'node:path'
import { momentForms, readMoment } from '../api/moment.ts'
import { nearNames } from '../lib/nearest.ts'
import { type MatchStep, matchPrice, type PriceMatch } from '../meter/match.ts'
import { type PriceRow, priceRows } from '../meter/price-rows.ts'
import { builtInPrices, type PriceBook } from '../meter/prices.ts'
import { arrayAt, stringAt } from '../records/json.ts'
import type { Command } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { only, settingOptions } from './options.ts'
import { pricesOf } from './prices-of.ts'
import { pricesText } from './prices-text.ts'
import { filterOptions, timeZone } from './question.ts'
import { readSettings } from './settings.ts'
import { oneLine } from './text.ts'

export const prices: Command = {
  details: `Shows what a model costs by the prices that the proxy uses: which entry its name leads to and how, the usual prices at a moment, and those that hold instead for batches, service tiers, long contexts, by date or by the hour. MODEL is a name as a client or a vendor writes it: with a date, with the provider in front, a fine-tune, a deployment. Without --provider every provider whose list has it is shown.

Ends with 1 when no list has it.

Examples:
  sightglass prices gpt-4o-2024-08-06
  sightglass prices openai/gpt-4o
  sightglass prices deepseek-chat --provider deepseek --at 2026-11-20T03:00 --tz UTC`,
  options: {
    provider: { value: 'NAME', about: 'By the list of this provider, as for a call to it.' },
    at: { value: 'TIME', about: `The prices of then (now): ${momentForms}.` },
    tz: filterOptions.tz!,
    json: filterOptions.json!,
    ...only(settingOptions, 'prices-file', 'config'),
  },
  async run(given, io) {
    const [model] = given.operands as [string]
    const zone = timeZone(given)
    const at = given.text('at')
    const wallMs = at === undefined ? Date.now() : readMoment(at, Date.now(), zone)
    if (wallMs === null) throw new UsageError(`--at ${at}: wants ${momentForms}`)
    const { settings } = await readSettings(given, io)
    const book = pricesOf(settings)
    const provider = given.text('provider')
    const found = (provider === undefined ? everywhere(book, model) : [matchPrice(book, provider, model)])
      .filter((match) => match !== null)
      .map((match) => explained(match, wallMs))
    const nearest = found.length > 0 ? [] : nearestModels(book, model, provider)
    if (given.flag('json'))
      io.out(`${JSON.stringify({ model, at: new Date(wallMs).toISOString(), found, nearest }, null, 2)}\n`)
    else io.out(found.map((one) => pricesText(one, wallMs, zone, io.width)).join('\n'))
    if (found.length === 0) throw new CommandFailure(noPrice(book, model, provider, nearest))
    return 0
  },
}

/** What a model costs, and why. */
export interface ExplainedPrice {
  readonly provider: string
  /** As the list has it; of a rule its pattern. */
  readonly entry: string
  readonly found_as: string
  readonly steps: readonly MatchStep[]
  readonly mode: string | null
  readonly version: string
  /** `built-in`, or the operator's file. */
  readonly list: string
  readonly deprecated: string | null
  readonly context_window: string | null
  readonly sources: readonly string[]
  readonly usual: readonly PriceRow[]
  readonly others: readonly PriceRow[]
}

/** The providers that have the model under their own lists; with `provider/` in front, that one alone where it is one. */
function everywhere(book: PriceBook, model: string): (PriceMatch | null)[] {
  const [first, ...rest] = model.split('/')
  const named = rest.length > 0 && book.providers.has(first!.toLowerCase()) ? first!.toLowerCase() : null
  if (named !== null) return [matchPrice(book, named, model)]
  return [...book.providers.keys()].sort().map((provider) => {
    const match = matchPrice(book, provider, model)
    // the price of anything at all says nothing of this name
    return match?.entry.fromRule && match.entry.model === '*' ? null : match
  })
}

function explained({ entry, name, steps }: PriceMatch, wallMs: number): ExplainedPrice {
  const { fields } = entry
  return {
    provider: entry.provider,
    entry: entry.model,
    found_as: name,
    steps,
    mode: entry.mode,
    version: entry.version,
    list: dirname(dirname(entry.file)) === builtInPrices ? 'built-in' : entry.file,
    deprecated: stringAt(fields, 'deprecated'),
    context_window: stringAt(fields, 'context_window'),
    sources: arrayAt(fields, 'sources').map(String),
    ...priceRows(entry, wallMs),
  }
}

function noPrice(book: PriceBook, model: string, provider: string | undefined, near: readonly string[]): string {
  if (provider !== undefined && !book.providers.has(provider)) {
    const others = nearNames(provider, book.providers.keys(), 3)
    return `no price list of the provider ${oneLine(provider)}${others.length > 0 ? `; there are ${others.join(', ')}` : ''}`
  }
  const where = provider === undefined ? '' : ` of ${oneLine(provider)}`
  return `no price${where} for ${oneLine(model)}${near.length > 0 ? `; near it are ${near.join(', ')}` : ''}\nA price of your own goes into config/prices.yaml: docs/metering.md`
}

/** Names of the provider's list, or of all of them, that are written much like it. */
function nearestModels(book: PriceBook, model: string, provider: string | undefined): readonly string[] {
  const lists = [...book.providers.values()].filter((list) => provider === undefined || list.provider === provider)
  const names = new Set(lists.flatMap(({ entries }) => [...entries.keys()]))
  return nearNames(model.toLowerCase(), names, 5)
}

import { at, objectOf } from '../records/json.ts'
import { decimalOf, decimalText, divideRounded, scaled, trimmed } from './decimal.ts'
import type { BillLine } from './metered.ts'
import type { PriceEntry } from './prices.ts'
import { type Circumstances, type Price, priceSheet } from './sheet.ts'

/** Places of a price beyond which nothing is rounded while adding up: 12 of the price, 12 of a quantity, 6 for "per million". */
const fine = 10n ** 30n
const toPicodollars = fine / 10n ** 12n

/** The lines of one bill, each made from the first price that exists. */
export class Bill {
  readonly lines: BillLine[] = []
  /** The first price that was needed and is not known. */
  unpriced: string | null = null
  readonly #sheet: ReadonlyMap<string, Price>
  readonly #entry: PriceEntry
  readonly #factor: Factor
  #sum = 0n

  /** `conditions`: what multiplies token prices where the entry says so. */
  constructor(entry: PriceEntry, call: Circumstances, conditions: readonly string[]) {
    this.#entry = entry
    this.#sheet = priceSheet(entry, call)
    this.#factor = factorOf(entry, conditions)
  }

  has(name: string): boolean {
    return this.#price(name) !== null
  }

  /** Bills tokens by the first price that exists. */
  tokens(quantity: number, names: readonly string[]): void {
    const { times, over, text } = this.#factor
    const about = { kind: names[0]!, unit: 'per 1M', factor: text } as const
    this.#line(quantity, names, about, (amount) => (amount * times) / (over * 1_000_000n))
  }

  /** Bills pieces by the first price that exists; the last name is what they are. */
  each(quantity: number, names: readonly string[]): void {
    const about = { kind: names.at(-1)!.split('.', 1)[0]!, unit: 'each', factor: null } as const
    this.#line(quantity, names, about, (amount) => amount)
  }

  total(): bigint {
    return divideRounded(this.#sum, toPicodollars)
  }

  #line(
    quantity: number,
    names: readonly string[],
    about: Pick<BillLine, 'kind' | 'unit' | 'factor'>,
    value: (amount: bigint) => bigint,
  ): void {
    if (quantity <= 0) return
    const price = names.map((name) => this.#price(name)).find((price) => price !== null)
    if (!price) {
      this.unpriced ??= names[0]!
      return
    }
    const before = this.total()
    this.#sum += value(scaled(price.text, 12) * scaled(decimalOf(quantity), 12) * 10n ** 6n)
    this.lines.push({
      ...about,
      field: price.field,
      quantity,
      price: price.text,
      picodollars: this.total() - before,
    })
  }

  #price(name: string): Price | null {
    const known = this.#sheet.get(name)
    if (known) return known
    const dot = name.indexOf('.')
    if (dot < 0) return null
    const text = at(this.#entry.fields, name.slice(0, dot), name.slice(dot + 1))
    return typeof text === 'string' ? { text, field: name } : null
  }
}

interface Factor {
  times: bigint
  over: bigint
  /** Null: one. */
  text: string | null
}

function factorOf(entry: PriceEntry, conditions: readonly string[]): Factor {
  let times = 1n
  let places = 0
  for (const [condition, text] of Object.entries(objectOf(entry.fields.multipliers))) {
    if (typeof text !== 'string' || !conditions.includes(condition)) continue
    times *= scaled(text, 12)
    places += 12
  }
  const over = 10n ** BigInt(places)
  return { times, over, text: times === over ? null : trimmed(decimalText(times, places)) }
}

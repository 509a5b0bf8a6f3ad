import { loadPrices, type PriceBook } from '../meter/prices.ts'
import type { Settings } from '../settings/settings.ts'
import { CommandFailure } from './failure.ts'

/** The prices that the proxy would use: the built-in ones, and the operator's own. */
export function pricesOf({ pricesFile }: Pick<Settings, 'pricesFile'>): PriceBook {
  try {
    return loadPrices(pricesFile === null ? [] : [pricesFile])
  } catch (error) {
    throw new CommandFailure(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

import type { RecordedCall, RecordedCost } from '../records/bill.ts'
import type { CallPlace, MongoCosts } from './mongodb/index.ts'
import { type CostDifference, type GroupDifference, RepriceTally, type UnpricedReason } from './reprice-tally.ts'
import { type CostChange, isChanged, type RepriceFilter, type StoredCall, updateOf } from './repricing.ts'
import type { LocalCosts, LocalRepricing } from './sqlite/reprice.ts'

export interface RepriceParts {
  /** The embedded database: it holds the sums, and the calls that no other store has. */
  local: LocalRepricing
  /** Where the records are delivered to; null: the embedded database is the store. */
  mongo: MongoCosts | null
  /** Null: no call of a model. */
  price(call: RecordedCall): RecordedCost | null
  filter: RepriceFilter
  /** Told after each batch. */
  progress(calls: number): void
}

export interface RepriceReport {
  totals: CostDifference
  groups: readonly GroupDifference[]
  unpriced: readonly UnpricedReason[]
  /** Calls that are counted here and whose records are in another database, or have expired. */
  elsewhere: number
  /** Sums that did not hold what is corrected, since retention had taken them. */
  sums_gone: number
}

/** MongoDB is away, or refuses us. What was written until then is whole, and the next run goes on with it. */
export class RepriceStopped extends Error {
  override name = 'RepriceStopped'
}

/**
 * Prices calls again that were recorded, and writes what changes: into records and sums of the embedded database in one
 * transaction for each batch, then into MongoDB. A run that was ended is gone on with by the next: what it had written is the
 * same again, and what MongoDB had not confirmed is kept.
 */
export async function reprice(parts: RepriceParts): Promise<RepriceReport> {
  const { local } = parts
  const mongo = parts.mongo && told(parts.mongo)
  let gone = 0
  if (mongo !== null) {
    await mongo.write(local.unconfirmed())
    local.confirmed()
  }
  const report = await pricedAgain({ ...parts, mongo }, async (changes) => {
    gone += local.apply(changes, mongo !== null)
    if (mongo === null) return
    await mongo.write(changes.map(updateOf))
    local.confirmed()
  })
  return { ...report, sums_gone: gone }
}

/** The same report, and nothing is written. */
export const tryReprice = (parts: Omit<RepriceParts, 'local'> & { local: LocalCosts }): Promise<RepriceReport> =>
  pricedAgain({ ...parts, mongo: parts.mongo && told(parts.mongo) }, async () => {})

/** Whatever fails in MongoDB ends the run in one way. */
function told({ page, write, close }: MongoCosts): MongoCosts {
  const stop = (error: unknown): never => {
    throw new RepriceStopped(error instanceof Error ? error.message : String(error), { cause: error })
  }
  return {
    page: (instance, filter, after) => page(instance, filter, after).catch(stop),
    write: (updates) => write(updates).catch(stop),
    close,
  }
}

async function pricedAgain(
  { local, mongo, price, filter, progress }: Omit<RepriceParts, 'local'> & { local: LocalCosts },
  write: (changes: readonly CostChange[]) => Promise<void>,
): Promise<RepriceReport> {
  const tally = new RepriceTally()
  for await (const { calls, told } of pages(local, mongo, filter)) {
    const changes: CostChange[] = []
    for (const call of calls) {
      const cost = price(call)
      const change = cost !== null && isChanged(call, cost) ? { telemetry: call.telemetry, cost } : null
      if (change !== null) changes.push(change)
      if (!told.has(call.telemetry._id)) tally.add(call, change)
    }
    if (changes.length > 0) await write(changes)
    progress(tally.totals().calls)
  }
  return {
    totals: tally.totals(),
    groups: tally.groups(),
    unpriced: tally.reasons(),
    elsewhere: mongo === null ? local.elsewhere(filter) : 0,
    sums_gone: 0,
  }
}

interface Page {
  calls: readonly StoredCall[]
  /** Those of them that an earlier page had. */
  told: ReadonlySet<string>
}

/** First what is here, then what MongoDB has of this data directory; calls delivered a while ago are in both. */
async function* pages(local: LocalCosts, mongo: MongoCosts | null, filter: RepriceFilter): AsyncGenerator<Page> {
  for (let after: number | null = 0; after !== null; ) {
    const { calls, next } = local.page(filter, after)
    yield { calls, told: new Set() }
    after = next
  }
  if (mongo === null) return
  let place: CallPlace | null = null
  do {
    const found: Awaited<ReturnType<MongoCosts['page']>> = await mongo.page(local.instance, filter, place)
    yield { calls: found.calls, told: local.held(found.calls.map(({ telemetry }) => telemetry._id)) }
    place = found.next
  } while (place !== null)
}

import { priceAgain } from '../../meter/price-again.ts'
import type { PriceBook } from '../../meter/prices.ts'
import type { KeptCall } from '../stored-exchange.ts'
import { type Check, differing, guarded, notChecked } from './check.ts'
import { differences } from './differences.ts'

/** Whether the present prices give the recorded cost for the recorded tokens, and whether the bill adds up to it. */
export function checkCost(call: KeptCall, prices: PriceBook): readonly Check[] {
  return [guarded('cost', () => checkPrice(call, prices)), guarded('bill', () => checkBill(call))]
}

function checkPrice(call: KeptCall, prices: PriceBook): Check {
  const { metadata } = call.telemetry
  const again = priceAgain(call, prices)
  if (again === null)
    return differing('cost', differences('telemetry.metadata.cost_picodollars', metadata.cost_picodollars, null))
  const { fields, bill } = again
  if (metadata.price_version !== fields.price_version && priced(metadata.price_version, fields.price_version))
    return notChecked(
      'cost',
      `priced by list ${metadata.price_version ?? 'none'}, the present one is ${fields.price_version ?? 'none'} (see reprice)`,
    )
  const names = Object.keys(fields) as (keyof typeof fields)[]
  return differing('cost', [
    ...names.flatMap((name) => differences(`telemetry.metadata.${name}`, metadata[name], fields[name])),
    ...(call.run.bill === undefined ? [] : differences('run.bill', call.run.bill, bill)),
  ])
}

/** Lists differ; without any, or by the vendor's own bill, there is no list to differ. */
const priced = (before: string | null, now: string | null): boolean =>
  (before !== null || now !== null) && before !== 'reported' && now !== 'reported'

function checkBill({ telemetry: { metadata }, run }: KeptCall): Check {
  const { cost_picodollars: cost } = metadata
  const bill: typeof run.bill | undefined = run.bill
  if (bill === undefined) return notChecked('bill', 'the record was made before bills were kept')
  if (cost === null) return differing('bill', differences('run.bill', bill, []))
  const sum = bill.reduce((total, line) => total + BigInt(line.picodollars), 0n)
  return differing('bill', differences('run.bill (sum)', sum.toString(), cost))
}

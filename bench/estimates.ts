import { loadProviders } from '../providers/index.ts'
import { observe } from '../src/formats/observe.ts'
import type { Observed } from '../src/formats/observed.ts'
import { estimate } from '../src/meter/estimate.ts'
import { startTokenCounter } from '../src/meter/tokens.ts'
import { modelOperations } from '../src/records/outcome.ts'
import { exchangeOf } from '../test/contract/format-sample.ts'
import { loadSamples, type Sample } from '../test/support/samples.ts'

/**
 * How far the estimates are from the truth: every sample that tells its usage is estimated as if it did not.
 *
 *     npm run estimates             a table by provider and format
 *     npm run estimates -- --each   every sample
 *
 * `recorded`: a real server counted. `written`: the sample was written by hand, and so were its counts; these show how a
 * format is read, not how exact an estimate is.
 */
interface Row {
  name: string
  group: string
  tokenizer: string
  input: Compared | null
  output: Compared | null
}

interface Compared {
  told: number
  estimated: number
}

const providers = await loadProviders()
const counter = startTokenCounter()
const rows: Row[] = []
for (const sample of loadSamples()) {
  const provider = providers.get(sample.provider)
  const { response } = sample
  const exchange = exchangeOf({ ...sample, provider, response: { ...response, complete: !response.cut }, expect: {} })
  const observed = observe(exchange, provider, 'bench')
  if (modelOperations.has(observed.operation) && observed.decoded?.usage) rows.push(await compared(sample, observed))
}
// the tokenizer ends with this process

if (process.argv.includes('--each')) for (const row of rows) console.log(rowText(row))
else console.log(table(rows))

async function compared(sample: Sample, { operation, request, decoded, format }: Observed): Promise<Row> {
  const usage = decoded!.usage!
  const { input, output, tokenizer } = await estimate(operation, request, decoded, counter)
  const pair = (told: number | null, estimated: number | null): Compared | null =>
    told === null || told === 0 || estimated === null ? null : { told, estimated }
  return {
    name: sample.name,
    group: `${sample.recorded ? 'recorded' : 'written'} | ${sample.provider} | ${format}`,
    tokenizer,
    input: pair(usage.input, input),
    output: operation === 'embeddings' ? null : pair(usage.output, output),
  }
}

function errorOf({ told, estimated }: Compared): number {
  return Math.abs(estimated - told) / told
}

function rowText({ name, tokenizer, input, output }: Row): string {
  const side = (one: Compared | null): string => (one === null ? '–' : `${one.told} ~ ${one.estimated}`)
  return `${name}  input ${side(input)}  output ${side(output)}  (${tokenizer})`
}

function table(all: readonly Row[]): string {
  const lines = [
    '| counts | provider | format | n | input: median, p90 | output: median, p90 |',
    '| --- | --- | --- | --- | --- | --- |',
  ]
  for (const [group, members] of [...Map.groupBy(all, ({ group }) => group)].sort(([one], [other]) =>
    one < other ? -1 : 1,
  ))
    lines.push(`| ${group} | ${members.length} | ${errors(members, 'input')} | ${errors(members, 'output')} |`)
  return lines.join('\n')
}

function errors(rows: readonly Row[], side: 'input' | 'output'): string {
  const found = rows
    .flatMap((row) => row[side] ?? [])
    .map(errorOf)
    .sort((one, other) => one - other)
  if (found.length === 0) return '–'
  const at = (share: number): string =>
    `${Math.round(found[Math.min(found.length - 1, Math.floor(found.length * share))]! * 100)} %`
  return `${at(0.5)}, ${at(0.9)}`
}

import { findRoute } from '../../formats/find-route.ts'
import { version } from '../../lib/version.ts'
import type { TokenCounter } from '../../meter/metered.ts'
import type { PriceBook } from '../../meter/prices.ts'
import type { Provider } from '../../records/provider.ts'
import type { StoredRecord } from '../../records/stored.ts'
import { recordMaker } from '../records.ts'
import { exchangeOf, type KeptCall, type StoredExchange } from '../stored-exchange.ts'
import { countedWith, uncounted } from '../uncounted.ts'
import { checkBytes, cutShort, notKept } from './bodies.ts'
import { broken, type Check, type CheckName, differing, guarded, notChecked } from './check.ts'
import { checkCost } from './cost.ts'
import { type Difference, differences, nearlyEqual } from './differences.ts'
import { type DecidedBy, decidedBy, shared, texts } from './fields.ts'

export interface VerifyParts {
  providers: ReadonlyMap<string, Provider>
  prices: PriceBook
  tokens: TokenCounter
}

/** Reads the kept bytes of a call anew, counts and prices anew, and compares with its record field by field. */
export async function verifyRecord(call: KeptCall, parts: VerifyParts): Promise<readonly Check[]> {
  const bytes = [
    guarded('request bytes', () => checkBytes(call, 'request')),
    guarded('answer bytes', () => checkBytes(call, 'response')),
  ]
  const rest = [...checkCost(call, parts.prices), guarded('run and telemetry', () => checkShared(call))]
  const { telemetry } = call
  const why =
    telemetry.program_version === null
      ? 'the call was imported'
      : (telemetry.metadata.notes.find((note) => note.startsWith(unread)) ?? null)
  if (why !== null) return [...bytes, ...decoded.map((what) => notChecked(what, why)), ...rest]
  if (!parts.providers.has(telemetry.metadata.provider)) {
    const unknown = `the provider ${telemetry.metadata.provider} is not known here`
    return [...bytes, ...decoded.map((what) => notChecked(what, unknown)), ...rest]
  }
  const read = await madeAgain(call, parts).then(
    (again) => new Comparison(call, again).checks(),
    (error: unknown) => [broken('answer', error)],
  )
  return [...bytes, ...read, ...rest]
}

const unread = 'the exchange could not be read'
const decoded = ['call', 'request', 'answer', 'times', 'tokens'] as const

interface Again extends StoredExchange {
  record: StoredRecord
  /** What kind of call it was depends on what was answered. */
  fetches: boolean
}

async function madeAgain(call: KeptCall, parts: VerifyParts): Promise<Again> {
  const { telemetry } = call
  const { project_id, project_name, end_by, outcome } = telemetry.metadata
  const make = recordMaker({
    ...parts,
    instance: telemetry.instance,
    pepper: '',
    bodyLimitBytes: Number.POSITIVE_INFINITY,
    projectNames: project_name === null ? new Map() : new Map([[project_id, project_name]]),
  })
  const counted = countedWith(telemetry.metadata.notes)
  const again = async (upstreamComplete: boolean): Promise<Again> => {
    const stored = exchangeOf(call, upstreamComplete)
    const { method, path, provider } = stored.exchange.open
    const made = await make(stored.exchange)
    const toldAgain = counted !== null && (made.tells !== undefined || !stored.responseWhole)
    return {
      ...stored,
      record: toldAgain ? uncounted(made, counted) : made,
      fetches: findRoute(method, path, parts.providers.get(provider)).fetches,
    }
  }
  if (end_by !== null) return again(false)
  const ended = await again(true)
  // whether such a cut answer lacked its own end or the format's is not recorded
  return outcome === 'upstream_cut' && ended.record.telemetry.metadata.outcome !== outcome ? again(false) : ended
}

class Comparison {
  readonly #call: KeptCall
  readonly #again: Again

  constructor(call: KeptCall, again: Again) {
    this.#call = call
    this.#again = again
  }

  checks(): readonly Check[] {
    return [this.#kind(), this.#request(), this.#answer(), this.#times(), this.#tokens()]
  }

  #kind(): Check {
    const missing = this.#again.fetches ? this.#missing('response') : null
    return differing('call', this.#compare('call', missing === null ? [] : ['operation']), missing)
  }

  #request(): Check {
    const missing = this.#missing('request')
    if (missing !== null) return notChecked('request', missing)
    return differing('request', this.#compare('request'), this.#cut())
  }

  #answer(): Check {
    const missing = this.#missing('response')
    if (missing !== null) return notChecked('answer', missing)
    const { metadata } = this.#call.telemetry
    const request = this.#missing('request')
    if (request !== null && metadata.operation === 'completion') return notChecked('answer', request)
    const found = this.#compare('answer')
    const added = this.#again.record.telemetry.metadata.notes.filter((note) => !metadata.notes.includes(note))
    if (request === null) {
      found.push(...differences('telemetry.metadata.notes (missing)', [], added))
      found.push(...this.#compare('both', 'price_terms' in metadata ? [] : ['price_terms']))
    }
    // the data plane's own words for a failure are in the record alone
    if (metadata.end_by === null && metadata.upstream_status !== null) {
      found.push(...this.#compare('error'))
      if (request === null) found.push(...this.#compare('extra'))
    }
    return differing('answer', found, this.#cut())
  }

  #times(): Check {
    const missing = this.#missing('response')
    if (missing !== null) return notChecked('times', missing)
    if (!this.#again.timed && this.#call.telemetry.metadata.response_size > 0)
      return notChecked('times', 'the arrival of the pieces is not known')
    const estimate = this.#estimate()
    return differing('times', this.#compare('times', estimate === null ? [] : rates), estimate)
  }

  #tokens(): Check {
    const missing = this.#missing('response')
    if (missing !== null) return notChecked('tokens', missing)
    const estimate = this.#estimate()
    return estimate === null ? differing('tokens', this.#compare('tokens')) : notChecked('tokens', estimate)
  }

  /** Why an estimate cannot be made again; null: it can, or there is none. */
  #estimate(): string | null {
    const { program_version, metadata } = this.#call.telemetry
    if (metadata.token_source !== 'estimated') return null
    if (program_version !== version) return `the estimate was made by version ${program_version}, this is ${version}`
    if (metadata.tokenizer === 'characters/4') return 'the tokenizer had failed, and the estimate is a rough one'
    return this.#missing('request')
  }

  /** Why the bytes of a side cannot be read as the recorder did; null: they can. */
  #missing(side: 'request' | 'response'): string | null {
    if (this.#again[`${side}Whole`]) return null
    if (this.#call.run[`${side}_body`].kept === 0) return notKept(this.#call, side)
    return `of the bytes of the ${side === 'request' ? 'request' : 'answer'} ${cutShort}`
  }

  #cut = (): string | null => (this.#call.run.text_truncated ? 'texts were cut at the limit of then' : null)

  #compare(by: DecidedBy, without: readonly string[] = []): Difference[] {
    const { telemetry, run } = this.#call
    const { record } = this.#again
    const near = by === 'times' ? nearlyEqual : undefined
    const fields = decidedBy[by]
    return [
      ...fields.metadata
        .filter((name) => !without.includes(name))
        .flatMap((name) =>
          differences(`telemetry.metadata.${name}`, telemetry.metadata[name], record.telemetry.metadata[name], near),
        ),
      ...fields.run
        .filter((name) => !without.includes(name) && !(run.text_truncated && texts.has(name)))
        .flatMap((name) => differences(`run.${name}`, run[name], record.run[name], near)),
    ]
  }
}

/** Rest on the count of tokens. */
const rates = ['output_tokens_per_second', 'tokens_per_second']

function checkShared({ telemetry, run }: KeptCall): Check {
  const what: CheckName = 'run and telemetry'
  const found = shared.flatMap(([name, other]) => differences(`run.${name}`, run[name], telemetry.metadata[other]))
  return differing(what, [
    ...differences('run._id', run._id, telemetry._id),
    ...differences('run.timestamp_ms', run.timestamp_ms, telemetry.timestamp_ms),
    ...differences('telemetry.timestamp', telemetry.timestamp, new Date(telemetry.timestamp_ms).toISOString()),
    ...found,
  ])
}

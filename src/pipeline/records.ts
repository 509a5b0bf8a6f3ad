import { noFacts } from '../formats/decoder.ts'
import { observe } from '../formats/observe.ts'
import type { Observed } from '../formats/observed.ts'
import { noCost } from '../meter/cost.ts'
import { meter } from '../meter/meter.ts'
import type { Metered, TokenCounter } from '../meter/metered.ts'
import { type Ending, outcomeOf } from '../meter/outcome.ts'
import type { PriceBook } from '../meter/prices.ts'
import { timingOf } from '../meter/timing.ts'
import type { Exchange } from '../records/exchange.ts'
import type { Provider } from '../records/provider.ts'
import type { StoredRecord } from '../records/stored.ts'
import { chunkTimes, type KeptBody, keepBody } from './bodies.ts'
import { headerValue } from './headers.ts'
import { runOf } from './llm-run.ts'
import { type Findings, telemetryOf } from './telemetry.ts'

export interface RecordParts {
  /** This data directory's own id. */
  instance: string
  providers: ReadonlyMap<string, Provider>
  prices: PriceBook
  tokens: TokenCounter
  pepper: string
  /** Bytes kept of each body, and characters of each text. */
  bodyLimitBytes: number
  /** Readable names of projects, by id. */
  projectNames: ReadonlyMap<string, string>
}

export type RecordMaker = (exchange: Exchange) => Promise<StoredRecord>

/** Makes the record of one exchange: reads its bytes, counts, prices, and keeps what the capture rules let it keep. */
export function recordMaker(parts: RecordParts): RecordMaker {
  return async (exchange) => {
    const observed = observe(exchange, parts.providers.get(exchange.open.provider), parts.pepper)
    const metered = await meter(exchange, observed, parts)
    const record = assemble(exchange, observed, metered, parts)
    const answer = sharedAnswer(exchange, observed)
    return answer === null ? record : { ...record, tells: answer }
  }
}

/** An answer made in the background may be fetched any number of times, and also be told by the call that asked for it. */
function sharedAnswer({ open }: Exchange, { decoded }: Observed): string | null {
  if (!decoded?.background || decoded.pending || decoded.usage === null || decoded.responseId === null) return null
  return `${open.provider} ${named(decoded.responseId)}`
}

/** The record of an exchange whose bytes could not be read without failing: transport facts, the bytes, and the error. */
export function rawRecord(
  exchange: Exchange,
  error: unknown,
  parts: Pick<RecordParts, 'instance' | 'bodyLimitBytes' | 'projectNames'>,
): StoredRecord {
  // nobody looked for the call's secrets inside what is compressed
  const unread = exchange.open.secretHints.length > 0
  const observed: Observed = {
    operation: 'other',
    format: null,
    request: noFacts,
    decoded: null,
    framing: 'none',
    events: { events: 0, content_events: 0, bad_events: 0, comments: 0 },
    readWhole: false,
    parseNote: null,
    notes: [`the exchange could not be read: ${reason(error, exchange.open)}`],
    requestHoldsSecret: unread && headerValue(exchange.open.requestHeaders, 'content-encoding') !== null,
    responseHoldsSecret: unread && exchange.head?.contentEncoding != null,
  }
  const metered: Metered = {
    usage: null,
    tokenSource: 'none',
    tokenizer: null,
    timing: timingOf(exchange, null, null),
    cost: { ...noCost, unpricedReason: 'the exchange could not be read' },
    priceTerms: null,
  }
  return assemble(exchange, observed, metered, parts)
}

/** An error's message may quote the bytes it stumbled over: it is kept only where those are. */
function reason(error: unknown, { captureRequest, captureResponse }: Exchange['open']): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'no error was given'
  return captureRequest === 'full' && captureResponse === 'full' ? error.message : error.name
}

function assemble(
  exchange: Exchange,
  observed: Observed,
  metered: Metered,
  parts: Pick<RecordParts, 'instance' | 'bodyLimitBytes' | 'projectNames'>,
): StoredRecord {
  const { open, response } = exchange
  const keepRequest = open.captureRequest === 'full' && !observed.requestHoldsSecret
  const keepResponse = open.captureResponse === 'full' && !observed.responseHoldsSecret
  const { requestBody, responseBody } = bodies(exchange, { keepRequest, keepResponse }, parts.bodyLimitBytes)
  const findings: Findings = {
    exchange,
    observed: boundedNames(observed),
    ending: boundedEnding(outcomeOf(exchange, observed), keepResponse),
    metered,
    instance: parts.instance,
    projectName: parts.projectNames.get(open.context.project) ?? null,
    keepRequest,
    keepResponse,
    requestBody: requestBody.facts,
    responseBody: responseBody.facts,
    notes: notesOf(exchange, observed, metered),
  }
  return {
    telemetry: telemetryOf(findings),
    run: runOf(findings, parts.bodyLimitBytes),
    requestBytes: requestBody.bytes,
    responseBytes: responseBody.bytes,
    chunkTimes: keepResponse ? chunkTimes(response.pieces, open.atMs) : null,
    gapsMs: metered.timing.gapsMs,
  }
}

/** Names and the usage object come from outside, go into keys and indexes, and have no length by nature. */
const limits = { nameCharacters: 256, messageCharacters: 2000, usageCharacters: 16 << 10 }

const named = <T extends string | null>(text: T): T => (text?.slice(0, limits.nameCharacters) ?? null) as T

function boundedNames(observed: Observed): Observed {
  const { request, decoded } = observed
  return {
    ...observed,
    request: { ...request, model: named(request.model), endUser: named(request.endUser) },
    decoded: decoded && {
      ...decoded,
      model: named(decoded.model),
      responseId: named(decoded.responseId),
      systemFingerprint: named(decoded.systemFingerprint),
      serviceTier: named(decoded.serviceTier),
      rawUsage: JSON.stringify(decoded.rawUsage ?? null).length > limits.usageCharacters ? null : decoded.rawUsage,
    },
  }
}

/** What a vendor says about an error may quote what was said to it: it is kept only where answers are. */
function boundedEnding(ending: Ending, keepResponse: boolean): Ending {
  const { errorType, errorCode, errorMessage, outcome } = ending
  const message = keepResponse ? errorMessage : `not kept: ${outcome}`
  return {
    ...ending,
    errorType: named(errorType),
    errorCode: named(errorCode),
    errorMessage: errorMessage === null ? null : (message?.slice(0, limits.messageCharacters) ?? null),
  }
}

function bodies(
  { open, head, close, request, response }: Exchange,
  keep: { keepRequest: boolean; keepResponse: boolean },
  limitBytes: number,
): { requestBody: KeptBody; responseBody: KeptBody } {
  return {
    requestBody: keepBody(request, {
      keep: keep.keepRequest,
      limitBytes,
      sha256: close?.requestSha256 ?? null,
      contentType: headerValue(open.requestHeaders, 'content-type'),
      contentEncoding: headerValue(open.requestHeaders, 'content-encoding'),
    }),
    responseBody: keepBody(response, {
      keep: keep.keepResponse,
      limitBytes,
      sha256: close?.responseSha256 ?? null,
      contentType: head?.contentType ?? null,
      contentEncoding: head?.contentEncoding ?? null,
    }),
  }
}

function notesOf({ open, close }: Exchange, observed: Observed, { cost }: Metered): string[] {
  const notes = [...open.notes, ...(close?.notes ?? []), ...observed.notes, ...(cost.note === null ? [] : [cost.note])]
  if (observed.requestHoldsSecret)
    notes.push('the request is not kept: a secret of the call may stand in its body, compressed or escaped')
  if (observed.responseHoldsSecret)
    notes.push('the answer is not kept: a secret of the call may stand in its body, compressed or escaped')
  return notes
}

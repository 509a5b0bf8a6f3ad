import { isStream, type Observed, saysNothing } from '../formats/observed.ts'
import type { Body, Exchange } from '../records/exchange.ts'
import { type EndBy, modelOperations, type Outcome, type Phase, textOperations } from '../records/outcome.ts'

export interface Ending {
  outcome: Outcome
  endBy: EndBy | null
  endPhase: Phase
  errorType: string | null
  errorCode: string | null
  errorMessage: string | null
}

/** How an exchange ended (wire-formats 1, 11.4, 13). Without `observed` only the transport's facts are used. */
export function outcomeOf(exchange: Exchange, observed: Observed | null): Ending {
  const { close, head } = exchange
  const outcome = judge(exchange, observed)
  const failed = outcome !== 'ok' && outcome !== 'truncated' && outcome !== 'filtered'
  const said = observed?.decoded?.error ?? null
  const own = close?.failure ?? null
  return {
    outcome,
    endBy: close?.endBy ?? null,
    endPhase: close?.endPhase ?? (head ? 'data' : 'headers'),
    errorType: failed ? (said?.type ?? own?.code ?? defaultType(exchange, outcome)) : null,
    errorCode: failed ? (said?.code ?? own?.code ?? null) : null,
    errorMessage: failed ? said?.message || own?.message || explain(exchange, outcome) : null,
  }
}

function judge(exchange: Exchange, observed: Observed | null): Outcome {
  const { close, head } = exchange
  if (close === null) return 'interrupted'
  const decoded = observed?.decoded ?? null
  if (head !== null && head.status >= 400) return 'upstream_error_http'
  if (decoded && (decoded.error !== null || decoded.finishReason === 'error' || decoded.finishReason === 'cancelled'))
    return 'upstream_error_stream'
  if (close.endBy === 'client' && decoded?.terminated !== true) return 'client_cut'
  if (head === null || close.endBy === 'proxy') return 'proxy_error'
  // a close without the message's own end is a cut, even if the last event looked final
  if (close.endBy === 'upstream') return 'upstream_cut'
  if (close.endBy === null && !close.upstreamComplete) return 'upstream_cut'
  if (observed !== null && decoded !== null) return judgeAnswer(observed, decoded, exchange.response)
  const due = observed !== null && observed.format !== null && exchange.response.size === 0
  return due && head.status === 200 ? 'empty' : 'ok'
}

function judgeAnswer(observed: Observed, decoded: NonNullable<Observed['decoded']>, body: Body): Outcome {
  const { operation, framing } = observed
  const stream = isStream(observed)
  const saidNothing = saysNothing(decoded) && body.whole
  if (saidNothing && decoded.usage === null && stream) return 'empty'
  const words = framing === 'json' || framing === 'text'
  if (saidNothing && words && modelOperations.has(operation) && !textOperations.has(operation)) return 'empty'
  if (stream && !decoded.terminated && decoded.finishReason === null && isKeptToItsEnd(body)) return 'upstream_cut'
  if (decoded.finishReason === 'length') return 'truncated'
  if (decoded.finishReason === 'content_filter') return 'filtered'
  return 'ok'
}

/** Of bytes that were not kept nobody can say what they were not. */
function isKeptToItsEnd({ pieces, size }: Body): boolean {
  const last = pieces.at(-1)
  return (last === undefined ? 0 : last.offset + last.bytes.length) >= size
}

const defaultType = ({ head }: Exchange, outcome: Outcome): string =>
  outcome === 'upstream_error_http' && head ? `http_${head.status}` : outcome

function explain({ head }: Exchange, outcome: Outcome): string {
  if (outcome === 'upstream_error_http' && head) return `the upstream answered ${head.status} ${head.reason}`.trimEnd()
  return explanations[outcome] ?? outcome
}

const explanations: Readonly<Partial<Record<Outcome, string>>> = {
  upstream_error_stream: 'the upstream reported an error in its answer',
  upstream_cut: 'the upstream ended its answer before it was complete',
  client_cut: 'the client left before the answer was complete',
  proxy_error: 'the upstream gave no answer',
  interrupted: 'the recording process ended before the call did',
  empty: 'the upstream ended a successful answer without content',
}

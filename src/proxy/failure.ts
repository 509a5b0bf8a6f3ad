import type { Provider } from '../records/provider.ts'

/** A failed upstream call, in words that an operator can act on and that hold no secret. */
export interface Failure {
  status: number
  code: string
  message: string
}

/** What a failed upstream call means to the client. One row per cause; the rest are plain 502s. */
const failures: Readonly<Record<string, Omit<Failure, 'message'> & { says: string }>> = {
  ECONNREFUSED: { status: 502, code: 'upstream_refused', says: 'refused the connection' },
  ENOTFOUND: { status: 502, code: 'upstream_unknown_host', says: 'has a name that does not resolve' },
  EAI_AGAIN: { status: 502, code: 'upstream_unknown_host', says: 'has a name that could not be resolved just now' },
  EHOSTUNREACH: { status: 502, code: 'upstream_unreachable', says: 'cannot be reached' },
  ENETUNREACH: { status: 502, code: 'upstream_unreachable', says: 'cannot be reached' },
  ETIMEDOUT: { status: 504, code: 'upstream_connect_timeout', says: 'did not accept the connection in time' },
  UND_ERR_CONNECT_TIMEOUT: {
    status: 504,
    code: 'upstream_connect_timeout',
    says: 'did not accept the connection in time',
  },
  UND_ERR_HEADERS_TIMEOUT: { status: 504, code: 'upstream_silent', says: 'sent no answer in time' },
  UND_ERR_BODY_TIMEOUT: { status: 504, code: 'upstream_idle', says: 'stopped sending' },
  UND_ERR_SOCKET: { status: 502, code: 'upstream_reset', says: 'closed the connection' },
  ECONNRESET: { status: 502, code: 'upstream_reset', says: 'reset the connection' },
  EPIPE: { status: 502, code: 'upstream_reset', says: 'closed the connection while the request was being sent' },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: {
    status: 502,
    code: 'upstream_length',
    says: 'sent another length than it announced',
  },
  ERR_ANSWER_CODING: { status: 502, code: 'upstream_coding', says: 'sent a compressed stream that cannot be read' },
  UND_ERR_HEADERS_OVERFLOW: { status: 502, code: 'upstream_headers', says: 'sent more than 64 KiB of headers' },
}

const certificates = /^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH)/

export function failureOf(error: unknown, origin: string): Failure {
  const cause = innermost(error)
  const row = failures[cause.code]
  if (row) return { status: row.status, code: row.code, message: `the upstream ${origin} ${row.says} (${cause.code})` }
  if (certificates.test(cause.code))
    return {
      status: 502,
      code: 'upstream_certificate',
      message: `the upstream ${origin} has a certificate that is not trusted (${cause.code}): see the setting ca_file`,
    }
  if (cause.name === 'HTTPParserError' || cause.code.startsWith('HPE_'))
    return {
      status: 502,
      code: 'upstream_malformed',
      message: `the upstream ${origin} answered something that is no HTTP (${cause.code})`,
    }
  return {
    status: 502,
    code: 'upstream_failed',
    message: `the call to the upstream ${origin} failed (${cause.code || cause.name})`,
  }
}

/** The error that says most: undici and Node wrap the real cause. */
function innermost(error: unknown): { code: string; name: string } {
  let here: unknown = error
  let best = { code: '', name: error instanceof Error ? error.name : 'Error' }
  for (let depth = 0; depth < 5 && here instanceof Error; depth++) {
    const { code } = here as Error & { code?: unknown }
    const better = typeof code === 'string' && (failures[code] || certificates.test(code) || best.code === '')
    if (better) best = { code, name: here.name }
    here = here instanceof AggregateError ? here.errors[0] : here.cause
  }
  return best
}

/** An error body of ours in the shape that the clients of this API read. */
export function errorBody(
  shape: Provider['errorShape'],
  code: string,
  message: string,
  type = 'upstream_error',
): Buffer {
  return Buffer.from(JSON.stringify(shapes[shape](code, message, type)))
}

const shapes: Readonly<Record<Provider['errorShape'], (code: string, message: string, type: string) => object>> = {
  openai: (code, message, type) => ({ error: { message, type, param: null, code } }),
  anthropic: (code, message, type) => ({
    type: 'error',
    error: { type: type === 'upstream_error' ? 'api_error' : type, message: `${message} [${code}]` },
  }),
  ollama: (_code, message) => ({ error: message }),
}

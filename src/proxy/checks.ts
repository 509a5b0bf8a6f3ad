import type { IncomingMessage } from 'node:http'

export interface Refusal {
  status: number
  code: string
  message: string
}

const maxHeaders = 512

/**
 * What Node's parser lets through and a gateway must not (reliability 0.4): ambiguous framing, two authorities, targets that
 * leave the configured base. Null: the request may go on.
 */
export function refusalOf(request: IncomingMessage): Refusal | null {
  for (const check of checks) {
    const refusal = check(request)
    if (refusal) return refusal
  }
  return null
}

const checks: readonly ((request: IncomingMessage) => Refusal | null)[] = [
  ({ httpVersionMajor, httpVersion }) =>
    httpVersionMajor < 1 ? refuse(400, 'http_version', `HTTP/${httpVersion} is not spoken here: use HTTP/1.1`) : null,
  ({ method }) =>
    method === 'TRACE' || method === 'CONNECT' ? refuse(405, 'method_not_allowed', `${method} is not forwarded`) : null,
  ({ rawHeaders }) =>
    rawHeaders.length > 2 * maxHeaders
      ? refuse(431, 'too_many_headers', `${rawHeaders.length / 2} header lines: at most ${maxHeaders} are accepted`)
      : null,
  hosts,
  transferCoding,
  ({ url = '' }) => targetFault(url),
]

function hosts({ rawHeaders, httpVersion }: IncomingMessage): Refusal | null {
  const count = countOf(rawHeaders, 'host')
  if (count > 1) return refuse(400, 'two_hosts', 'the request has two Host lines')
  return count === 0 && httpVersion === '1.1' ? refuse(400, 'no_host', 'the request has no Host line') : null
}

function transferCoding({ headers, httpVersion }: IncomingMessage): Refusal | null {
  const coding = headers['transfer-encoding']
  if (coding === undefined) return null
  if (httpVersion === '1.0') return refuse(400, 'transfer_encoding', 'Transfer-Encoding does not exist in HTTP/1.0')
  if (coding.trim().toLowerCase() === 'chunked') return null
  return refuse(501, 'transfer_encoding', `Transfer-Encoding "${clip(coding)}" is not supported: only chunked is`)
}

/** The client's path is a string that is appended to the configured base: it may not climb, jump or hide. */
export function targetFault(target: string): Refusal | null {
  if (!target.startsWith('/')) return fault(target, 'does not begin with /')
  const end = target.indexOf('?')
  const path = end < 0 ? target : target.slice(0, end)
  if (path.startsWith('//')) return fault(target, 'begins with //')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\\#\x00-\x20\x7f-\uffff]/.test(target))
    return fault(target, 'holds a backslash, a blank, # or a raw control character')
  if (/%(?:0[0-9a-f]|1[0-9a-f]|7f|5c)/i.test(path)) return fault(target, 'hides a control character or a backslash')
  if (/(?:^|\/)(?:\.|%2e){1,2}(?=\/|;|%2f|$)/i.test(path) || /%2f(?:\.|%2e){1,2}(?=\/|;|%2f|$)/i.test(path))
    return fault(target, 'holds a dot segment')
  return null
}

const fault = (target: string, why: string): Refusal =>
  refuse(400, 'invalid_path', `the path "${clip(target.split('?')[0] ?? '')}" ${why}`)

const refuse = (status: number, code: string, message: string): Refusal => ({ status, code, message })

const clip = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text)

function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const found = rawHeaders[place]!
    if (found.length === name.length && found.toLowerCase() === name) count++
  }
  return count
}

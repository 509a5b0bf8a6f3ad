import { byName } from './by-name.ts'

/**
 * Which header fields cross the proxy. Everything does, in order, case and number, but for the rows of these tables.
 */

/** Fields of one connection (RFC 9110 §7.6.1): never passed on, in either direction. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Of the request: for us alone, or telling of the way to us. */
const requestStays: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'trailer',
  'proxy-authorization',
  'x-project-id',
  'x-organisation-id',
  'x-organization-id',
  'x-experiment-id',
  'x-environment',
  'x-provider',
  'forwarded',
  'x-real-ip',
  'via',
])
const requestStaysPrefixes = ['x-forwarded-', 'cf-'] as const

/** Passed on only to providers whose declaration says that they read them. */
const contextHeaders: ReadonlySet<string> = new Set(['x-user-id', 'x-session-id', 'x-thread-id'])

/** Fields that `Connection` may not nominate away (a client could strip another's credential check with it). */
const endToEndAlways: ReadonlySet<string> = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'x-api-key',
])

const requestField = byName((lower) => ({
  lower,
  stays:
    hopByHop.has(lower) || requestStays.has(lower) || requestStaysPrefixes.some((prefix) => lower.startsWith(prefix)),
  tellsContext: contextHeaders.has(lower),
}))

const answerField = byName((lower) => ({ lower, stays: hopByHop.has(lower) }))

/** The request's fields as they go upstream, flat: [name, value, name, value …]. `authority` is the upstream's own Host. */
export function upstreamHeaders(
  rawHeaders: readonly string[],
  authority: string,
  passesContext: ReadonlySet<string>,
): string[] {
  const nominated = nominatedBy(rawHeaders)
  const flat: string[] = ['host', authority]
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place]!
    const { lower, stays, tellsContext } = requestField(name)
    if (stays || nominated?.has(lower) || (tellsContext && !passesContext.has(lower))) continue
    flat.push(name, rawHeaders[place + 1]!)
  }
  return flat
}

/** The answer's fields as they go to the client, flat, without `trailer` where the framing cannot carry trailers. */
export function clientHeaders(raw: readonly string[], chunked: boolean): string[] {
  const nominated = nominatedBy(raw)
  const flat: string[] = []
  for (let place = 0; place < raw.length; place += 2) {
    const name = raw[place]!
    const { lower, stays } = answerField(name)
    if (stays || nominated?.has(lower) || (lower === 'trailer' && !chunked)) continue
    flat.push(name, raw[place + 1]!)
  }
  return flat
}

/** The answer's reason as it goes to the client: undici lets control characters pass here, and Node throws at them. */
export function sendableReason(latin1: string): string {
  return latin1.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
}

/** The first value of a field in a flat list, or null. `name` in lower case. */
export function headerIn(flat: readonly string[], name: string): string | null {
  for (let place = 0; place < flat.length; place += 2) {
    const found = flat[place]!
    if (found.length === name.length && found.toLowerCase() === name) return flat[place + 1]!
  }
  return null
}

function nominatedBy(flat: readonly string[]): Set<string> | null {
  let nominated: Set<string> | null = null
  for (let place = 0; place < flat.length; place += 2) {
    const name = flat[place]!
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const option of flat[place + 1]!.split(',')) {
      const field = option.trim().toLowerCase()
      if (field === 'close' || field === 'keep-alive' || field === '' || endToEndAlways.has(field)) continue
      nominated ??= new Set()
      nominated.add(field)
    }
  }
  return nominated
}

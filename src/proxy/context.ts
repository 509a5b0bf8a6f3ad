import { BlockList, isIP } from 'node:net'
import type { CallContext, Capture } from '../records/exchange.ts'
import type { CaptureRule, KeySettings, Settings } from '../settings/settings.ts'
import { headerIn } from './headers.ts'

const slug = /^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?$/i
const readable = /^[\x20-\x7e]{1,200}$/

export interface Caller {
  context: CallContext
  notes: readonly string[]
}

/** Who is calling: our context headers, the project of the path, the key's settings. What is no slug is noted, not refused. */
export function callerOf(
  rawHeaders: readonly string[],
  pathProject: string | null,
  key: KeySettings | undefined,
): Caller {
  const notes: string[] = []
  // an empty header is what a shell makes of an unset variable
  const named = pathProject ?? (headerIn(rawHeaders, 'x-project-id')?.trim() || null)
  let project = named ?? key?.project ?? 'default'
  if (!slug.test(project)) {
    notes.push(
      `the project "${project.slice(0, 60)}" is no slug (letters, digits, dot, dash, underscore): recorded as default`,
    )
    project = 'default'
  }
  const read = (...names: string[]): string | null => {
    for (const name of names) {
      const value = headerIn(rawHeaders, name)?.trim()
      if (!value) continue
      if (readable.test(value)) return value
      notes.push(`the header ${name} holds something else than up to 200 printable characters: not recorded`)
    }
    return null
  }
  const context: CallContext = {
    project: project.toLowerCase(),
    organisation: read('x-organisation-id', 'x-organization-id'),
    user: read('x-user-id'),
    experiment: read('x-experiment-id'),
    session: read('x-session-id', 'x-thread-id'),
    environment: read('x-environment'),
    traceparent: read('traceparent'),
  }
  return { context, notes }
}

/** What is kept of a call: the first rule whose given parts all match, else the general setting. */
export function captureOf(
  settings: Settings,
  call: { project: string; provider: string; path: string },
): { request: Capture; response: Capture } {
  const rule = settings.captureRules.find((candidate) => applies(candidate, call))
  return {
    request: rule?.request ?? settings.captureRequest,
    response: rule?.response ?? settings.captureResponse,
  }
}

const applies = (rule: CaptureRule, call: { project: string; provider: string; path: string }): boolean =>
  (rule.project === undefined || rule.project === call.project) &&
  (rule.provider === undefined || rule.provider === call.provider) &&
  (rule.path === undefined || call.path.startsWith(rule.path))

/** Tells the client's address: the socket's, or what trusted proxies in front of us say it was. */
export function clientAddresses(trusted: readonly string[]): (peer: string, rawHeaders: readonly string[]) => string {
  const list = new BlockList()
  for (const range of trusted) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  const trusts = (address: string): boolean => {
    const family = isIP(address)
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
  return (peer, rawHeaders) => {
    const direct = unmapped(peer)
    if (trusted.length === 0 || !trusts(direct)) return direct
    const said = (headerIn(rawHeaders, 'x-forwarded-for') ?? '').split(',').map((part) => unmapped(part.trim()))
    const far = said.findLast((address) => isIP(address) !== 0 && !trusts(address))
    return far ?? said.find((address) => isIP(address) !== 0) ?? direct
  }
}

const unmapped = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Journal } from '../journal/journal.ts'
import type { Clock } from '../lib/clock.ts'
import { newId } from '../lib/id.ts'
import { Roster } from '../lib/roster.ts'
import type { CallContext, ExchangeOpen } from '../records/exchange.ts'
import type { Settings } from '../settings/settings.ts'
import { callMaker } from './asking/asks.ts'
import type { Call, CallParts } from './call.ts'
import { callerOf, captureOf } from './context.ts'
import { upstreamHeaders } from './headers.ts'
import { keptRequestHeaders } from './kept-headers.ts'
import type { Route } from './route.ts'
import { maskTarget, maskText, type Secrets } from './secrets.ts'
import { Tap } from './tap.ts'

export interface ForwardParts {
  readonly journal: Journal
  readonly clock: Clock
  readonly settings: Settings
  readonly secrets: Secrets
  readonly addressOf: (peer: string, rawHeaders: readonly string[]) => string
  readonly draining: () => boolean
}

export interface Forwarder {
  forward(request: IncomingMessage, response: ServerResponse, route: Route & { to: 'upstream' }): void
  /** Calls that are under way. */
  readonly active: Iterable<Call> & { readonly size: number }
  /** Resolves once no call is under way. */
  idle(): Promise<void>
}

const greeting = Buffer.from('Sightglass is running\n')

/** Takes requests to their upstream and keeps what passes. No answer is parsed, and none of this waits but for the journal. */
export function createForwarder(parts: ForwardParts): Forwarder {
  const active = new Roster<Call>()
  let idlers: (() => void)[] = []
  const makeCall = callMaker(parts.settings)

  function ended(call: Call): void {
    active.delete(call)
    if (active.size > 0) return
    for (const tell of idlers) tell()
    idlers = []
  }

  function forward(request: IncomingMessage, response: ServerResponse, route: Route & { to: 'upstream' }): void {
    const { clock, settings, journal } = parts
    const { upstream, path } = route
    const target = request.url ?? '/'
    const { rawHeaders } = request
    const { keyFingerprint, masks } = parts.secrets.of(rawHeaders, target)
    const mask = masks.length === 0 ? asIs : (text: string) => maskText(text, masks)
    const key = keyFingerprint === null ? undefined : settings.keys[keyFingerprint]
    const { context, notes } = callerOf(rawHeaders, route.project, key)
    const capture = captureOf(settings, { project: context.project, provider: upstream.provider.id, path })
    const wallMs = clock.wall()
    const cleanTarget = maskTarget(target, masks)
    const open: ExchangeOpen = {
      id: newId(wallMs),
      wallMs,
      atMs: clock.mono(),
      method: request.method ?? '',
      target: cleanTarget,
      path: maskTarget(path, masks),
      provider: upstream.provider.id,
      upstream: upstream.name,
      origin: upstream.origin,
      httpVersion: request.httpVersion,
      clientIp: parts.addressOf(request.socket.remoteAddress ?? '', rawHeaders),
      requestHeaders: keptRequestHeaders(rawHeaders, mask),
      context: masks.length === 0 ? context : masked(context, mask),
      keyFingerprint,
      keyName: key?.name ?? null,
      captureRequest: capture.request,
      captureResponse: capture.response,
      masked: cleanTarget !== target,
      secretHints: masks.map(({ hint }) => hint),
      notes: masks.length === 0 ? notes : notes.map(mask),
    }
    const callParts: CallParts = {
      id: open.id,
      request,
      response,
      upstream,
      path,
      headers: upstreamHeaders(rawHeaders, upstream.authority, upstream.passesContext),
      clock,
      draining: parts.draining,
      mask,
      greeting: route.greeting ? greeting : null,
      ended,
    }
    const call = makeCall(callParts, context.project)
    active.add(call)
    const tap = new Tap(journal, settings, masks, open, () => call.dispatch())
    call.tapped(tap, requestLength(request))
  }

  return {
    forward,
    active,
    idle: () => (active.size === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  }
}

const asIs = (text: string): string => text

function masked(context: CallContext, mask: (text: string) => string): CallContext {
  const clean = (text: string | null): string | null => (text === null ? null : mask(text))
  return {
    project: mask(context.project),
    organisation: clean(context.organisation),
    user: clean(context.user),
    experiment: clean(context.experiment),
    session: clean(context.session),
    environment: clean(context.environment),
    traceparent: clean(context.traceparent),
  }
}

function requestLength({ headers }: IncomingMessage): number | null {
  const length = headers['content-length']
  if (length !== undefined) return Number(length)
  return headers['transfer-encoding'] === undefined ? 0 : null
}

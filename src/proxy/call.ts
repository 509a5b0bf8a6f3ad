import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Clock } from '../lib/clock.ts'
import type { Seated } from '../lib/roster.ts'
import type { ExchangeHead } from '../records/exchange.ts'
import type { EndBy, Phase } from '../records/outcome.ts'
import { errorBody, type Failure, failureOf } from './failure.ts'
import { clientHeaders, headerIn, sendableReason } from './headers.ts'
import { keptResponseHeaders } from './kept-headers.ts'
import { flatOf, framingOf, lengthOf, pairsOf } from './raw-headers.ts'
import { ClientLeft, RequestBody } from './request-body.ts'
import type { Closing, Tap } from './tap.ts'
import type { Connection, Linked, Upstream } from './upstreams.ts'

export interface CallParts {
  readonly id: string
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly upstream: Upstream
  /** Path and query below the upstream's base. */
  readonly path: string
  readonly headers: string[]
  readonly clock: Clock
  readonly draining: () => boolean
  readonly mask: (text: string) => string
  /** A plain answer of ours when the upstream cannot be reached (`GET /`), instead of an error. */
  readonly greeting: Buffer | null
  readonly ended: (call: Call) => void
}

export type Framing = ExchangeHead['framing']

/**
 * One call on its way through: the handler given to undici's dispatch. The client's bytes go first, then the tap sees
 * them; only the end of the message waits, for the CLOSE frame (design 2, "Which end is held").
 */
export class Call implements Dispatcher.DispatchHandler, Linked, Seated {
  seat = -1
  connection?: Connection
  protected readonly body: RequestBody
  protected tap: Tap | null = null
  /** The client is gone. */
  protected left = false
  /** Its end is known, and nothing more goes to the client. */
  protected over = false
  readonly #parts: CallParts
  #controller: Dispatcher.DispatchController | null = null
  #requestEndAtMs: number | null = null
  #dispatchedAtMs: number | null = null
  #connectedAtMs: number | null = null
  #status: number | null = null
  #framing: Framing = 'none'
  #remaining = 0
  #head: { status: number; reason: string; flat: string[] } | null = null
  #headFlushed = false
  #lastPiece: Buffer | null = null
  #drainTimer: NodeJS.Timeout | null = null
  #drainedBytes = 0

  constructor(parts: CallParts) {
    this.#parts = parts
    const { request, response, clock } = parts
    this.body = new RequestBody(
      request,
      (piece) => {
        if (!this.over) this.tap?.request.keep(piece, clock.mono())
      },
      () => {
        this.#requestEndAtMs = clock.mono()
      },
    )
    response.once('close', () => {
      if (!response.writableFinished) this.#clientLeft()
    })
  }

  /** The tap's OPEN frame has been handed in; `dispatch` follows once it is written. */
  tapped(tap: Tap, requestLength: number | null): void {
    this.tap = tap
    if (requestLength !== 0) tap.request.expect(requestLength)
  }

  dispatch(): void {
    if (this.over) return
    if (this.left) return this.#finish('client', 'request', null)
    this.send(this.#parts.headers, this.body.forUpstream())
  }

  protected send(headers: string[], body: Buffer | Readable | null): void {
    const { upstream, request, path, clock } = this.#parts
    this.#dispatchedAtMs = clock.mono()
    upstream.dispatcher.dispatch(
      {
        origin: upstream.origin,
        path: upstream.basePath + path,
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body,
        reset: false,
        headersTimeout: upstream.limits.headerWaitMs,
        bodyTimeout: upstream.limits.idleMs,
      },
      this,
    )
  }

  /** Ends the call at once, when the proxy stops and its patience is over. */
  cut(): void {
    if (this.over) return
    const { response } = this.#parts
    if (response.headersSent) this.#cutClient()
    else response.destroy()
    const phase = this.#requestEndAtMs === null ? 'request' : this.#phase()
    if (this.left) this.#finish('client', phase, null)
    else this.#finish('proxy', phase, stopped)
    this.#controller?.abort(new ClientLeft())
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    this.#connectedAtMs = this.#parts.clock.mono()
    const { onDisconnect } = this.#parts.upstream.limits
    if (this.over || (this.left && onDisconnect === 'cancel')) controller.abort(new ClientLeft())
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, reason = ''): void {
    if (status < 200) return
    const atMs = this.#parts.clock.mono()
    const raw = flatOf(controller.rawHeaders)
    const length = lengthOf(raw)
    const head: ExchangeHead = {
      status,
      reason: Buffer.from(reason).toString('latin1'),
      atMs,
      framing: framingOf(this.#parts.request.method, status, raw, length),
      contentLength: length,
      contentType: headerIn(raw, 'content-type'),
      contentEncoding: headerIn(raw, 'content-encoding'),
      headers: keptResponseHeaders(raw, this.#parts.mask),
    }
    this.answered(head, raw, head.framing)
  }

  /** `raw`: the head's fields as they came. `framing`: how the client is to get the body. */
  protected answered(head: ExchangeHead, raw: string[], framing: Framing): void {
    const { status, reason, contentLength: length } = head
    this.#status = status
    this.#framing = framing
    this.#remaining = length ?? 0
    this.tap?.head(head)
    if (framing !== 'none') this.tap?.response.expect(head.framing === 'length' ? length : null)
    if (this.left) return
    this.#head = { status, reason: sendableReason(reason), flat: clientHeaders(raw, framing === 'chunked') }
    if (framing === 'none' || (framing === 'length' && length === 0)) return
    this.#sendHead()
    process.nextTick(flush, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    const atMs = this.#parts.clock.mono()
    if (!this.left) {
      this.#remaining -= piece.length
      if (this.#framing === 'length' && this.#remaining <= 0) this.#lastPiece = piece
      else this.pass(controller, piece)
    } else this.#drain(controller, piece)
    this.tap?.response.keep(piece, atMs)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#framing === 'close' && this.connection?.link.reset) {
      this.onResponseError(controller, Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
      return
    }
    const trailers = this.#framing === 'chunked' ? flatOf(controller.rawTrailers) : []
    this.#finish(this.left ? 'client' : null, this.left ? 'data' : 'done', null, true, () => this.#release(trailers))
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.over) return
    const phase = this.#phase()
    if (this.left || error instanceof ClientLeft) {
      this.#parts.response.destroy()
      return this.#finish('client', this.#requestEndAtMs === null ? 'request' : phase, null)
    }
    const failure = failureOf(error, this.#parts.upstream.origin)
    if (this.#parts.response.headersSent) {
      this.#cutClient()
      this.#finish('upstream', phase, failure)
    } else this.#answerFailure(phase, failure)
  }

  #phase(): Phase {
    return this.#status !== null ? 'data' : this.#connectedAtMs !== null ? 'headers' : 'connect'
  }

  /** To the client, at its pace. */
  protected pass(controller: Dispatcher.DispatchController, piece: Buffer): void {
    const { response } = this.#parts
    this.#headFlushed = true
    if (response.write(piece)) return
    controller.pause()
    response.once('drain', () => controller.resume())
  }

  #drain(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#drainedBytes += piece.length
    if (this.#drainedBytes > this.#parts.upstream.limits.drainBytes) controller.abort(new ClientLeft())
  }

  #sendHead(): void {
    const { response, id, draining } = this.#parts
    const { status, reason, flat } = this.#head!
    response.sendDate = false
    response.removeHeader('connection')
    if (this.#framing === 'close') response.removeHeader('transfer-encoding')
    flat.push('x-sightglass-id', id)
    if (draining()) {
      flat.push('connection', 'close')
      response.shouldKeepAlive = false
    }
    response.writeHead(status, reason, flat)
  }

  /** For `process.nextTick`: the head goes out alone when no data came along with it. */
  flushHead(): void {
    if (this.#headFlushed || this.#lastPiece || this.over || this.left) return
    this.#headFlushed = true
    // not flushHeaders(), which sends latin1 header values as UTF-8
    this.#parts.response.write(noBytes)
  }

  #release(trailers: readonly string[]): void {
    const { response } = this.#parts
    if (this.left || response.destroyed) return
    if (!response.headersSent) this.#sendHead()
    if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
    if (this.#lastPiece) response.end(this.#lastPiece)
    else response.end()
  }

  /** A cut answer must look cut: what was received goes out, then the connection ends without the message's end. */
  #cutClient(): void {
    const { response } = this.#parts
    const { socket } = response
    if (!socket) {
      response.destroy()
      return
    }
    this.flushHead()
    // HTTP/1.0 knows no chunks: there a FIN would be the end of the message
    if (this.#framing === 'length' || response.chunkedEncoding) socket.destroySoon()
    else socket.write(noBytes, () => socket.resetAndDestroy())
  }

  #answerFailure(phase: Phase, failure: Failure): void {
    const { upstream, response, id, request, greeting, draining } = this.#parts
    const unreached = phase === 'connect' && greeting !== null
    const body = unreached ? greeting : errorBody(upstream.provider.errorShape, failure.code, failure.message)
    this.#status = unreached ? 200 : failure.status
    this.#finish('upstream', phase, failure, false, () => {
      if (response.destroyed || response.headersSent) return
      if (draining()) response.shouldKeepAlive = false
      response.writeHead(unreached ? 200 : failure.status, {
        'content-type': unreached ? 'text/plain; charset=utf-8' : 'application/json',
        'content-length': body.length,
        'x-sightglass-id': id,
      })
      response.end(request.method === 'HEAD' ? undefined : body)
    })
  }

  #clientLeft(): void {
    if (this.over || this.left) return
    this.left = true
    const { limits } = this.#parts.upstream
    const abort = (): void => this.#controller?.abort(new ClientLeft())
    // without a controller the call is not on a connection yet: `dispatch` or `onRequestStart` will see that the client left
    if (limits.onDisconnect === 'cancel' || this.#requestEndAtMs === null) abort()
    else {
      this.#controller?.resume()
      this.#drainTimer = setTimeout(abort, limits.drainMs)
    }
  }

  #finish(
    endBy: EndBy | null,
    endPhase: Phase,
    failure: Failure | null,
    upstreamComplete = false,
    release = nothing,
  ): void {
    if (this.over) return
    this.over = true
    if (this.#drainTimer) clearTimeout(this.#drainTimer)
    const { clock, ended, mask } = this.#parts
    const close: Closing = {
      atMs: clock.mono(),
      endBy,
      endPhase,
      failure: failure && { code: failure.code, message: mask(failure.message) },
      statusSent: this.#head || failure ? this.#status : null,
      requestEndAtMs: this.#requestEndAtMs,
      dispatchedAtMs: this.#dispatchedAtMs,
      connectedAtMs: this.#connectedAtMs,
      upstreamComplete,
    }
    const done = (): void => {
      release()
      ended(this)
    }
    if (this.tap) this.close(this.tap, close, done)
    else done()
  }

  protected close(tap: Tap, close: Closing, done: () => void): void {
    tap.close(close, done)
  }
}

const stopped: Failure = {
  status: 503,
  code: 'proxy_stopped',
  message: 'the proxy was stopped before the call was complete',
}

const nothing = (): void => {}

const noBytes = Buffer.alloc(0)

const flush = (call: Call): void => call.flushHead()

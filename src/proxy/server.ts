import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { refusalOf } from './checks.ts'
import { errorBody } from './failure.ts'
import type { Forwarder } from './forward.ts'
import type { Route } from './route.ts'
import type { Upstream } from './upstreams.ts'

export interface FrontDoorParts {
  readonly route: (request: IncomingMessage) => Route
  readonly forwarder: Forwarder
  /** Answers what is addressed to us. */
  readonly self: (request: IncomingMessage, response: ServerResponse) => void
  readonly draining: () => boolean
  /** No call is taken on now, because none can be recorded and the settings want no call without a record. */
  readonly refusing: () => boolean
}

const limits = { headerBytes: 64 * 1024, headersMs: 30_000, keepAliveMs: 75_000, lingerMs: 1_000 }

/**
 * The listener. Proxied requests are taken off by the route table before any framework sees them; everything that is no
 * proper request is answered here.
 */
export function createFrontDoor(parts: FrontDoorParts): Server {
  const latest = new WeakMap<Socket, ServerResponse>()
  const turnAway = (socket: Socket, bytes: Buffer): void => {
    if (isAnswering(socket, latest.get(socket))) socket.destroy()
    else dismiss(socket, bytes)
  }
  const server = createServer(
    {
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      noDelay: true,
      // h2c offers and the like are ignored, as RFC 9110 §7.8 allows
      shouldUpgradeCallback: (request) => /^\s*websocket\s*$/i.test(request.headers.upgrade ?? ''),
    },
    (request, response) => {
      latest.set(request.socket, response)
      const refusal = refusalOf(request)
      if (refusal) return refuse(response, refusal.status, refusal.code, refusal.message, true)
      const route = parts.route(request)
      if (route.to === 'upstream' && parts.refusing()) refuseUnrecorded(response, route.upstream)
      else if (route.to === 'upstream') parts.forwarder.forward(request, response, route)
      else if (route.to === 'self') parts.self(request, response)
      else refuse(response, route.refusal.status, route.refusal.code, route.refusal.message, false)
    },
  )
  server.maxHeadersCount = 0
  server.on('upgrade', (_request, socket: Socket) => {
    turnAway(
      socket,
      plain(
        426,
        'Upgrade Required',
        'upgrade_required',
        'WebSocket connections are not proxied',
        'upgrade: HTTP/1.1\r\n',
      ),
    )
  })
  server.on('connect', (_request, socket: Socket) => {
    turnAway(socket, plain(405, 'Method Not Allowed', 'method_not_allowed', 'CONNECT is not forwarded'))
  })
  server.on('clientError', (error: Error & { code?: string }, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const [status, reason, code, message] = clientErrors[error.code ?? ''] ?? badRequest
    turnAway(socket, plain(status, reason, code, message))
  })
  return server
}

/** Bytes of an answer may be out already, or those of an answer before it: a word of ours would stand in the middle of them. */
function isAnswering(socket: Socket, response: ServerResponse | undefined): boolean {
  if (!response || response.writableFinished) return false
  return response.headersSent || response.socket !== socket
}

/** A last answer. The client has a moment to read it; then the connection goes, whether or not the client lets go of it. */
function dismiss(socket: Socket, bytes: Buffer): void {
  const timer = setTimeout(() => socket.destroy(), limits.lingerMs)
  socket.once('close', () => clearTimeout(timer))
  // Node has taken its own listener off; a client that resets now must not end the process
  socket.on('error', () => socket.destroy())
  socket.resume()
  socket.end(bytes)
}

type ClientError = readonly [status: number, reason: string, code: string, message: string]

const badRequest: ClientError = [400, 'Bad Request', 'malformed_request', 'the request is no well-formed HTTP/1.1']

const clientErrors: Readonly<Record<string, ClientError>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    'Request Header Fields Too Large',
    'headers_too_large',
    'the header is larger than 64 KiB',
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Content Too Large', 'chunk_extensions', 'the chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'request_timeout', 'the header did not arrive in time'],
}

function refuse(response: ServerResponse, status: number, code: string, message: string, close: boolean): void {
  const body = errorBody('openai', code, message, 'invalid_request_error')
  if (close) response.shouldKeepAlive = false
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

function refuseUnrecorded(response: ServerResponse, { provider }: Upstream): void {
  const message = 'the disk budget for records is used up, and calls are not served without a record (journal.full)'
  const body = errorBody(provider.errorShape, 'journal_full', message, 'service_unavailable')
  response.shouldKeepAlive = false
  response.writeHead(503, { 'content-type': 'application/json', 'content-length': body.length, 'retry-after': '5' })
  response.end(body)
}

function plain(status: number, reason: string, code: string, message: string, extra = ''): Buffer {
  const body = errorBody('openai', code, message, 'invalid_request_error')
  const head =
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n` +
    `${extra}connection: close\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

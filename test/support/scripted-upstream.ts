import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { bodyOf, type HeaderList, type Message, MessageReader, valuesOf } from './message-reader.ts'
import { pause, signal, within } from './within.ts'

/**
 * A TCP server that reads HTTP requests, keeps what it saw, and plays back the answers of a script byte for byte. The
 * script is asked once the request is complete (or with `answerAt: 'head'` once its head is). Requests of one connection
 * are answered in order.
 */
export async function scriptedUpstream(
  script: (request: ReceivedRequest, connection: UpstreamConnection) => Script | Promise<Script>,
  options: { answerAt?: 'head' | 'end'; port?: number } = {},
): Promise<ScriptedUpstream> {
  const requests: ReceivedRequest[] = []
  const connections: UpstreamConnection[] = []
  const failures: unknown[] = []
  const waiting = new Set<() => void>()

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = track(socket, connections.length)
    connections.push(connection)
    let answers = Promise.resolve()
    let current: { request: ReceivedRequest; ended: () => void } | null = null
    const answer = (request: ReceivedRequest) => {
      answers = answers
        .then(async () => play(await script(request, connection), socket))
        .catch((error: unknown) => {
          failures.push(error)
          socket.destroy()
        })
    }
    const reader = new MessageReader('request', {
      head(message) {
        const ended = signal()
        current = { request: received(message, connection, ended.promise), ended: ended.give }
        requests.push(current.request)
        for (const look of waiting) look()
        if (options.answerAt === 'head') answer(current.request)
      },
      end() {
        current!.ended()
        if (options.answerAt !== 'head') answer(current!.request)
        current = null
      },
    })
    socket.on('data', (bytes) => {
      try {
        reader.push(bytes, performance.now())
      } catch (error) {
        failures.push(error)
        socket.destroy()
      }
    })
    socket.on('end', () => socket.end())
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the scripted upstream has no port')

  const stop = async () => {
    for (const { socket } of connections) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    requests,
    connections,
    failures,
    request: (index, ms = 5000) => {
      const found = signal<ReceivedRequest>()
      const look = () => {
        const request = requests[index]
        if (request) found.give(request)
      }
      look()
      waiting.add(look)
      return within(ms, `request ${index} at the upstream`, found.promise).finally(() => waiting.delete(look))
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Text is sent as latin1, so that every character is one byte. */
export type Step = Uint8Array | string | { waitMs: number } | { until: PromiseLike<unknown> } | 'FIN' | 'RST'
export type Script = Iterable<Step> | AsyncIterable<Step>

export interface ScriptedUpstream extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  readonly connections: readonly UpstreamConnection[]
  /** Errors of scripts and unreadable requests: a test that expects none looks here. */
  readonly failures: readonly unknown[]
  /** The request with this number (from 0), once its head has come. */
  request(index: number, ms?: number): Promise<ReceivedRequest>
  stop(): Promise<void>
}

export interface ReceivedRequest {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly rawHead: Buffer
  readonly headers: HeaderList
  /** All values of a field, joined with `, `; null without the field. */
  header(name: string): string | null
  readonly framing: Message['framing']
  /** Body bytes that have come so far, without chunk framing. */
  readonly body: Buffer
  readonly bodyText: string
  readonly json: unknown
  readonly pieces: readonly { atMs: number; bytes: Buffer }[]
  readonly trailers: HeaderList
  readonly headAtMs: number
  readonly complete: boolean
  /** Resolves once the whole body has come. */
  readonly ended: Promise<void>
  readonly connection: UpstreamConnection
  /** How the peer gave up the connection this request came on. */
  readonly closed: Promise<PeerEnd>
}

export interface UpstreamConnection {
  readonly number: number
  readonly socket: Socket
  /** First of the peer's FIN, the peer's RST, or our own end (`self`). */
  readonly closed: Promise<PeerEnd>
}

export interface PeerEnd {
  by: 'FIN' | 'RST' | 'self'
  atMs: number
}

function track(socket: Socket, number: number): UpstreamConnection {
  const { promise, give } = signal<PeerEnd>()
  socket.on('end', () => give({ by: 'FIN', atMs: performance.now() }))
  socket.on('error', () => give({ by: 'RST', atMs: performance.now() }))
  socket.on('close', () => give({ by: 'self', atMs: performance.now() }))
  return { number, socket, closed: promise }
}

function received(message: Message, connection: UpstreamConnection, ended: Promise<void>): ReceivedRequest {
  const [method = '', target = '', version = ''] = message.startLine.split(' ')
  return {
    method,
    target,
    version,
    rawHead: message.rawHead,
    headers: message.headers,
    header: (name) => (valuesOf(message.headers, name).length ? valuesOf(message.headers, name).join(', ') : null),
    framing: message.framing,
    get body() {
      return bodyOf(message)
    },
    get bodyText() {
      return bodyOf(message).toString('utf8')
    },
    get json() {
      return JSON.parse(bodyOf(message).toString('utf8')) as unknown
    },
    pieces: message.pieces,
    trailers: message.trailers,
    headAtMs: message.headAtMs,
    get complete() {
      return message.complete
    },
    ended,
    connection,
    closed: connection.closed,
  }
}

async function play(script: Script, socket: Socket): Promise<void> {
  for await (const step of script) {
    if (socket.destroyed) return
    if (step === 'FIN') socket.end()
    else if (step === 'RST') socket.resetAndDestroy()
    else if (typeof step === 'string' || step instanceof Uint8Array) await send(socket, step)
    else if ('waitMs' in step) await pause(step.waitMs)
    else await step.until
  }
}

/** Writes, and waits for room when the peer reads slowly. */
async function send(socket: Socket, bytes: Uint8Array | string): Promise<void> {
  if (!socket.writable) return
  const room = socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  if (room) return
  await new Promise<void>((resolve) => {
    const go = () => {
      socket.off('drain', go)
      socket.off('close', go)
      resolve()
    }
    socket.on('drain', go)
    socket.on('close', go)
  })
}

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from './within.ts'

/** What happens to bytes on their way in one direction. */
export interface Toxics {
  /** They arrive so much later. */
  latencyMs?: number
  bytesPerSecond?: number
  /** They arrive in pieces no larger than this. */
  sliceBytes?: number
  /** They do not arrive, the connection stands; they do when this is taken away. */
  hang?: boolean
  /** The connection is reset once so many have passed since it was made. */
  limitBytes?: number
}

/** A TCP relay between a client and a server on this machine whose wires can be made bad at any moment. */
export interface FaultLink extends AsyncDisposable {
  readonly port: number
  /** From the client to the server. */
  up: Toxics
  /** From the server to the client. */
  down: Toxics
  readonly connections: number
  /** Breaks off every connection. */
  reset(): void
  /** Breaks off every connection, and nobody listens on the port until `accept`. */
  refuse(): Promise<void>
  accept(): Promise<void>
}

export async function faultLink(targetPort: number): Promise<FaultLink> {
  const pairs = new Set<() => void>()
  let server = createServer()
  let port = 0
  const listen = async () => {
    server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const target = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
      const cut = () => {
        pairs.delete(cut)
        client.resetAndDestroy()
        target.resetAndDestroy()
      }
      pairs.add(cut)
      for (const socket of [client, target]) {
        socket.on('error', cut) // one side broke off: so does the other
        socket.on('close', () => {
          if (client.destroyed && target.destroyed) pairs.delete(cut)
        })
      }
      void carry(client, target, () => link.up, cut)
      void carry(target, client, () => link.down, cut)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const reset = () => {
    for (const cut of [...pairs]) cut()
  }
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    reset()
    await closed
  }
  const link: FaultLink = {
    get port() {
      return port
    },
    up: {},
    down: {},
    get connections() {
      return pairs.size
    },
    reset,
    refuse: close,
    async accept() {
      // a connection that somebody else made may hold the port for a moment
      if (!server.listening) await eventually('the port to be free again', () => listen().then(() => true), 10_000, 50)
    },
    [Symbol.asyncDispose]: close,
  }
  await listen()
  return link
}

const lookMs = 5
const mostWaiting = 1024 * 1024

/** Brings bytes from one socket to the other until that ends, in order, as the toxics say. */
async function carry(from: Socket, to: Socket, toxics: () => Toxics, cut: () => void): Promise<void> {
  const waiting: { bytes: Buffer; dueMs: number }[] = []
  let waitingBytes = 0
  let passed = 0
  let ended = false
  let wake = Promise.withResolvers<void>()
  from.on('data', (bytes: Buffer) => {
    waiting.push({ bytes, dueMs: performance.now() + (toxics().latencyMs ?? 0) })
    waitingBytes += bytes.length
    if (waitingBytes > mostWaiting) from.pause()
    wake.resolve()
  })
  from.on('end', () => {
    ended = true
    wake.resolve()
  })
  from.on('close', () => wake.resolve())
  to.on('close', () => wake.resolve())
  while (!to.destroyed && !(from.destroyed && !ended)) {
    const first = waiting[0]
    if (first === undefined) {
      if (ended) break
      await wake.promise
      wake = Promise.withResolvers()
      continue
    }
    const { hang, bytesPerSecond, sliceBytes, limitBytes } = toxics()
    const earlyMs = first.dueMs - performance.now()
    if (hang || earlyMs > 0) {
      await delay(hang ? lookMs : Math.min(earlyMs, lookMs))
      continue
    }
    const most = Math.min(sliceBytes ?? first.bytes.length, slowPiece(bytesPerSecond), limitLeft(limitBytes, passed))
    if (most <= 0) return cut()
    const piece = first.bytes.subarray(0, most)
    first.bytes = first.bytes.subarray(piece.length)
    if (first.bytes.length === 0) waiting.shift()
    waitingBytes -= piece.length
    passed += piece.length
    if (waitingBytes < mostWaiting) from.resume()
    if (!to.write(piece)) await drained(to)
    if (bytesPerSecond !== undefined) await delay((piece.length / bytesPerSecond) * 1000)
  }
  if (ended && !to.destroyed) to.end()
}

async function drained(socket: Socket): Promise<void> {
  const over = new AbortController()
  const { signal } = over
  const seen = [once(socket, 'drain', { signal }), once(socket, 'close', { signal })]
  await Promise.race(seen).catch(() => {}) // whoever waits looks at the socket
  over.abort()
  await Promise.allSettled(seen)
}

/** On a slow line twenty pieces come each second. */
const slowPiece = (bytesPerSecond: number | undefined): number =>
  bytesPerSecond === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(bytesPerSecond / 20))

const limitLeft = (limitBytes: number | undefined, passed: number): number =>
  limitBytes === undefined ? Number.POSITIVE_INFINITY : limitBytes - passed

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

export const earlyLimitBytes = 256 * 1024

/**
 * The client's body on its way up. What arrived before the call was dispatched is sent as one buffer if it is all there;
 * else as a stream of our own that reads the socket only as fast as the upstream takes it. (Node's own request as undici's
 * body would be destroyed with the call, and a client that still sends would hang.)
 */
export class RequestBody {
  complete: boolean
  readonly #request: IncomingMessage
  readonly #early: Buffer[] = []
  #earlyBytes = 0
  #earlyLimit = earlyLimitBytes
  #full = nothing
  #stream: Readable | null = null

  /** `seen` gets every piece as it arrives, `ended` once after the last one. */
  constructor(request: IncomingMessage, seen: (piece: Buffer) => void, ended: () => void) {
    this.#request = request
    this.complete = !hasBody(request)
    if (this.complete) {
      request.resume()
      ended()
      return
    }
    request.on('data', (piece: Buffer) => {
      seen(piece)
      if (this.#stream === null) {
        this.#early.push(piece)
        this.#earlyBytes += piece.length
        if (this.#earlyBytes >= this.#earlyLimit) this.#pause()
      } else if (!this.#stream.destroyed && !this.#stream.push(piece)) request.pause()
    })
    request.once('end', () => {
      this.complete = true
      ended()
      this.#stream?.push(null)
    })
    request.once('close', () => {
      if (!this.complete) this.#stream?.destroy(new ClientLeft())
    })
  }

  /**
   * Before anything has come: takes up to `limitBytes` before the call is dispatched, and tells once when all is there, or that
   * much, or the client is gone.
   */
  collect(limitBytes: number, tell: () => void): void {
    const request = this.#request
    this.#earlyLimit = limitBytes
    this.#full = (): void => {
      this.#full = nothing
      tell()
    }
    request.once('end', () => this.#full())
    request.once('close', () => this.#full())
  }

  #pause(): void {
    this.#request.pause()
    this.#full()
  }

  /** Called once, when the call is dispatched. */
  forUpstream(): Buffer | Readable | null {
    const early = this.#early
    if (this.complete) return early.length === 0 ? null : early.length === 1 ? early[0]! : Buffer.concat(early)
    const request = this.#request
    const stream = new Readable({
      highWaterMark: 64 * 1024,
      read: () => request.resume(),
      destroy: (error, done) => {
        // the rest is read and dropped, so that a client that still sends gets its answer
        request.resume()
        done(error)
      },
    })
    this.#stream = stream
    for (const piece of early) stream.push(piece)
    early.length = 0
    if (request.destroyed) stream.destroy(new ClientLeft())
    return stream
  }
}

const nothing = (): void => {}

export class ClientLeft extends Error {
  override name = 'ClientLeft'
  constructor() {
    super('the client left before its request was complete')
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

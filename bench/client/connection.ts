import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.ts'

export interface Answer {
  status: number
  /** The body, where it was asked for. */
  body: Buffer
}

/** One keep-alive connection of a client that does nothing but send ready bytes and read answers. */
export class Connection {
  readonly socket: Socket
  #onBody: ((bytes: Buffer) => void) | null = null
  #settle: { done: (status: number) => void; failed: (error: Error) => void } | null = null

  constructor(host: string, port: number) {
    this.socket = connect({ host, port, noDelay: true })
    const reader = new AnswerReader({
      body: (bytes) => this.#onBody?.(bytes),
      end: (status) => this.#finish()?.done(status),
    })
    this.socket.on('data', (bytes) => reader.take(bytes))
    this.socket.on('error', (error) => this.#finish()?.failed(error))
    this.socket.on('close', () => this.#finish()?.failed(new Error('the connection was closed')))
  }

  /** Resolves with the status once the whole answer is there. */
  call(request: readonly Buffer[], onBody: (bytes: Buffer) => void): Promise<number> {
    this.#onBody = onBody
    return new Promise((done, failed) => {
      this.#settle = { done, failed }
      if (request.length === 1) this.socket.write(request[0]!)
      else {
        this.socket.cork()
        for (const part of request) this.socket.write(part)
        this.socket.uncork()
      }
    })
  }

  close(): void {
    this.socket.destroy()
  }

  #finish() {
    const settle = this.#settle
    this.#settle = null
    return settle
  }
}

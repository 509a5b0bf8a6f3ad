import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { signal } from './within.ts'

/** A way to a server on this machine that holds back one message, and everything behind it on the same connection. */
export interface HoldingRelay extends AsyncDisposable {
  readonly port: number
  /** Resolves when the message has come. */
  readonly held: Promise<void>
  /** Lets it pass; resolves with the server's next answer on that connection. */
  release(): Promise<void>
}

export async function holdingRelay(port: number, isMeant: (bytes: Buffer) => boolean): Promise<HoldingRelay> {
  const sockets = new Set<Socket>()
  const came = signal()
  const answered = signal()
  let waiting: { to: Socket; pieces: Buffer[] } | null = null
  let released = false
  const server = createServer((client) => {
    const to = connect(port, '127.0.0.1')
    for (const socket of [client, to]) {
      sockets.add(socket)
      socket.on('error', () => {}) // the other side sees the end
    }
    client.on('data', (bytes) => {
      if (waiting === null && isMeant(bytes)) {
        waiting = { to, pieces: [] }
        came.give()
      }
      if (waiting?.to === to && !released) waiting.pieces.push(bytes)
      else to.write(bytes)
    })
    to.on('data', (bytes) => {
      if (released && waiting?.to === to) answered.give()
      client.write(bytes)
    })
    client.on('close', () => to.destroy())
    to.on('close', () => client.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    held: came.promise,
    async release() {
      released = true
      for (const bytes of waiting?.pieces ?? []) waiting?.to.write(bytes)
      await answered.promise
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { faultLink } from './fault-link.ts'
import { eventually, pause, within } from './within.ts'

/** Sends back what it gets. */
async function echo() {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}) // a fault of the link
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

async function client(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await within(2_000, 'a connection', once(socket, 'connect'))
  return heard(socket)
}

function heard(socket: Socket) {
  const pieces: Buffer[] = []
  socket.on('data', (bytes) => pieces.push(bytes))
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('FIN'))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'))
  })
  const got = () => Buffer.concat(pieces)
  const all = (bytes: number) => eventually(`${bytes} bytes`, () => got().length >= bytes, 10_000)
  return { socket, pieces, got, all, ended }
}

it('passes bytes and ends as they are while nothing is wrong', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  const { socket, got, all, ended } = await client(link.port)
  const sent = Buffer.alloc(3_000_000, 'abcdefg')
  socket.end(sent)
  await all(sent.length)
  expect(got().equals(sent)).toBe(true)
  expect(await within(2_000, 'the end', ended)).toBe('FIN')
  await eventually('the link to forget it', () => link.connections === 0)
})

it('delays each byte and keeps their order, without slowing the line down', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  link.up = { latencyMs: 80 }
  const { socket, got, all } = await client(link.port)
  const at = performance.now()
  for (let count = 0; count < 10; count++) {
    socket.write(`${count}`)
    await pause(5)
  }
  await all(10)
  expect(performance.now() - at).toBeGreaterThan(120)
  expect(got().toString()).toBe('0123456789')
  socket.destroy()
})

it('slices, and lets no more pass in a second than it is told to', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  link.down = { bytesPerSecond: 1_000, sliceBytes: 10 }
  const { socket, pieces, all } = await client(link.port)
  const at = performance.now()
  socket.write(Buffer.alloc(300))
  await all(300)
  expect(performance.now() - at).toBeGreaterThan(280)
  expect(pieces.length).toBeGreaterThan(10)
  socket.destroy()
})

it('lets nothing pass while it hangs, and everything afterwards', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  const { socket, got, all } = await client(link.port)
  socket.write('a')
  await all(1)
  link.down = { hang: true }
  socket.write('b')
  const other = await client(link.port)
  link.up = { hang: true }
  other.socket.write('c')
  await pause(50)
  expect([got().toString(), other.got().toString()]).toEqual(['a', ''])
  link.down = {}
  link.up = {}
  await Promise.all([all(2), other.all(1)])
  for (const one of [socket, other.socket]) one.destroy()
})

it('resets a connection after so many bytes, or all of them at once', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  link.down = { limitBytes: 5 }
  const limited = await client(link.port)
  limited.socket.write('0123456789')
  expect(await within(2_000, 'the reset', limited.ended)).toBe('ECONNRESET')
  expect(limited.got().toString()).toBe('01234')
  link.down = {}
  const one = await client(link.port)
  link.reset()
  expect(await within(2_000, 'the reset', one.ended)).toBe('ECONNRESET')
})

it('refuses connections until it accepts again on the same port', async () => {
  await using server = await echo()
  await using link = await faultLink(server.port)
  const { port } = link
  const standing = await client(port)
  await link.refuse()
  expect(await within(2_000, 'the reset', standing.ended)).toBe('ECONNRESET')
  const refused = heard(connect(port, '127.0.0.1'))
  expect(await within(2_000, 'a refusal', refused.ended)).toBe('ECONNREFUSED')
  await link.accept()
  const again = await client(port)
  again.socket.write('x')
  await again.all(1)
  again.socket.destroy()
})

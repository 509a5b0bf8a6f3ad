import { createServer, type ServerResponse } from 'node:http'
import { chunkAt, lineAt, linesEnd, streamEnd } from './answers.ts'

/**
 * An upstream of streams, a process of its own: what it sends stands in the query, so that every subject passes it on.
 * `chunks=200&everyMs=20`: that many, at that pace (0: without pauses); `mib=64`: so much of a body with a length.
 */
const server = createServer((request, response) => {
  request.resume()
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream')
  const mib = Number(searchParams.get('mib') ?? 0)
  if (mib > 0) return sendLarge(response, mib)
  const chunks = Number(searchParams.get('chunks') ?? 1)
  const everyMs = Number(searchParams.get('everyMs') ?? 0)
  const lines = pathname.startsWith('/api/')
  response.writeHead(200, { 'content-type': lines ? 'application/x-ndjson' : 'text/event-stream' })
  const stream: Stream = { response, left: chunks, chunks, lines }
  if (everyMs === 0) burst(stream)
  else pace(stream, everyMs)
})
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as { port: number }).port))

interface Stream {
  response: ServerResponse
  left: number
  chunks: number
  lines: boolean
}

/** One timer for all streams of one pace: thousands of timers would be late by themselves. */
const wheels = new Map<number, Set<Stream>[]>()

function pace(stream: Stream, everyMs: number): void {
  let wheel = wheels.get(everyMs)
  if (!wheel) {
    wheel = Array.from({ length: everyMs }, () => new Set<Stream>())
    wheels.set(everyMs, wheel)
    turn(wheel)
  }
  const slot = wheel.reduce((least, one) => (one.size < least.size ? one : least))
  slot.add(stream)
  stream.response.on('close', () => slot.delete(stream))
}

function turn(wheel: readonly Set<Stream>[]): void {
  const from = performance.now()
  let turned = 0
  setInterval(() => {
    const due = Math.floor(performance.now() - from)
    for (; turned < due; turned++) for (const stream of wheel[turned % wheel.length]!) send(stream, wheel)
  }, 1)
}

function send(stream: Stream, wheel: readonly Set<Stream>[]): void {
  const now = process.hrtime.bigint()
  stream.response.write(stream.lines ? lineAt(now) : chunkAt(now))
  if (--stream.left > 0) return
  for (const slot of wheel) slot.delete(stream)
  stream.response.end(stream.lines ? linesEnd(stream.chunks) : streamEnd(stream.chunks))
}

function burst(stream: Stream): void {
  while (stream.left-- > 0) {
    const now = process.hrtime.bigint()
    if (!stream.response.write(stream.lines ? lineAt(now) : chunkAt(now))) {
      stream.response.once('drain', () => burst(stream))
      return
    }
  }
  stream.response.end(stream.lines ? linesEnd(stream.chunks) : streamEnd(stream.chunks))
}

function sendLarge(response: ServerResponse, mib: number): void {
  const piece = Buffer.alloc(1 << 16, 'x')
  let left = mib * 16
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': mib * (1 << 20) })
  const more = (): void => {
    while (left > 0) {
      left--
      if (!response.write(piece)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
}

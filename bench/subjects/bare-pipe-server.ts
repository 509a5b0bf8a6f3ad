import { createServer } from 'node:http'
import { Pool } from 'undici'

/** A pass-through without anything else: the least that a proxy of Node's server and undici costs. */
const pool = new Pool(process.env.UPSTREAM ?? '', { allowH2: false })
const ours = new Set(['host', 'connection', 'transfer-encoding', 'keep-alive'])
const passed = (flat: readonly string[]): string[] =>
  flat.filter((_, place) => !ours.has(flat[place - (place % 2)]!.toLowerCase()))

const server = createServer((request, response) => {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => {
    const body = pieces.length === 0 ? null : pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
    pool.dispatch(
      {
        method: request.method as 'POST',
        path: request.url ?? '/',
        headers: passed(request.rawHeaders),
        body,
        reset: false,
      },
      {
        onRequestStart: (controller) =>
          void response.once('close', () => response.writableFinished || controller.abort(new Error('left'))),
        onResponseStart({ rawHeaders }, status, _headers, reason) {
          response.sendDate = false
          response.removeHeader('connection')
          response.writeHead(
            status,
            reason ?? '',
            passed((rawHeaders as Buffer[]).map((part) => part.toString('latin1'))),
          )
        },
        onResponseData(controller, piece) {
          if (response.write(piece)) return
          controller.pause()
          response.once('drain', () => controller.resume())
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    )
  })
})
server.keepAliveTimeout = 600_000
server.listen(0, '127.0.0.1', 4096, () => process.send?.((server.address() as { port: number }).port))

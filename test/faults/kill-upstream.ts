import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** The header under which client and upstream know a call; it goes through the proxy untouched. */
export const callHeader = 'idempotency-key'

export interface KillUpstream extends AsyncDisposable {
  readonly port: number
  /** Lets the answers end that were asked to be held. */
  release(): void
}

/**
 * A provider that keeps nothing but what it tells `arrived`, so that it lasts for many thousand calls. What it answers is
 * said by the path (`CallKind`); how long it takes, by the number of the call.
 */
export async function killUpstream(arrived: (call: string) => void, keepAliveMs = 60_000): Promise<KillUpstream> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const server = createServer({ keepAliveTimeout: keepAliveMs }, (request, response) => {
    const call = String(request.headers[callHeader])
    arrived(call)
    response.on('error', () => {}) // the proxy was killed
    answer(request, response, call, released).catch(() => response.destroy())
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    release,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, call: string, released: Promise<void>) {
  let size = 0
  for await (const piece of request) size += (piece as Buffer).length
  const number = Number(call.replace(/\D/g, ''))
  const asked = new URL(request.url ?? '/', 'http://upstream').searchParams
  if (asked.has('reset')) response.socket?.resetAndDestroy()
  else if (asked.has('stream')) await stream(response, call, number, asked, released)
  else await whole(response, call, asked.has('quick') ? 0 : number, size)
}

async function whole(response: ServerResponse, call: string, number: number, size: number) {
  await delay(number % 12)
  const content = `${call} sent ${size} bytes`
  const body = JSON.stringify({
    id: call,
    object: 'chat.completion',
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
  })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

async function stream(
  response: ServerResponse,
  call: string,
  number: number,
  asked: URLSearchParams,
  released: Promise<void>,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let piece = 0; piece < 6 && !response.destroyed; piece++) {
    const choices = [{ index: 0, delta: { content: `${call}.${piece} ` }, finish_reason: piece === 5 ? 'stop' : null }]
    response.write(`data: ${JSON.stringify({ id: call, model: 'gpt-4o-mini', choices })}\n\n`)
    if (asked.has('stall')) return // until whoever asks leaves
    if (asked.has('held') && piece === 0) await released
    await delay((number * 7 + piece * 5) % 9)
    if (asked.has('cut') && piece === 2) response.socket?.resetAndDestroy()
  }
  response.end('data: [DONE]\n\n')
}

import { createHash } from 'node:crypto'
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { callHeader } from './kill-upstream.ts'
import type { ClientEnd, Ledger } from './ledger.ts'
import type { Seeded } from './seeded.ts'

/** What a client asks for (`quick`: JSON at once), and what it does: `leave` and `stall` go away in the middle. */
export type CallKind = 'quick' | 'json' | 'stream' | 'upload' | 'leave' | 'held' | 'cut' | 'reset' | 'stall'

export interface CallParts {
  port: number
  agent: Agent
  random: Seeded
  ledger: Ledger
  /** Whether nobody is to blame when the call is cut now: the proxy was killed, the upstream cuts. */
  excused(): boolean
}

/** Makes one call, tells the ledger of it, and resolves to its end as the client saw it. */
export function clientCall(call: string, kind: CallKind, parts: CallParts): Promise<ClientEnd> {
  const { port, agent, random, ledger } = parts
  const streams = isStreamed(kind, random)
  const size = kind === 'upload' ? random.whole(10_000, 300_000) : random.whole(10, 2_000)
  const text = JSON.stringify({
    model: 'gpt-4o-mini',
    stream: streams,
    messages: [{ role: 'user', content: `${call} `.padEnd(size, 'x') }],
  })
  const leaves = kind === 'leave' || kind === 'stall'
  ledger.begun(call)
  return new Promise((resolve) => {
    const request = httpRequest({
      port,
      agent,
      host: '127.0.0.1',
      method: 'POST',
      path: `/v1/chat/completions?${kind}${streams ? '&stream' : ''}`,
      headers: {
        'content-type': 'application/json',
        'x-session-id': call,
        [callHeader]: call,
        ...(kind === 'upload' ? {} : { 'content-length': Buffer.byteLength(text) }),
      },
    })
    let over = false
    let leaving: NodeJS.Timeout | undefined
    const end = (how: ClientEnd, sha256: string | null = null) => {
      if (over) return
      over = true
      clearTimeout(leaving)
      const expected = how === 'left' || (kind === 'cut' && how === 'cut') || (kind === 'reset' && how === 'failed')
      ledger.ended(call, how, expected || parts.excused(), sha256)
      resolve(how)
    }
    request.on('response', (response) => {
      ledger.headed(call, idOf(response))
      const hash = createHash('sha256')
      response.on('data', (piece: Buffer) => hash.update(piece))
      response.on('end', () => {
        if (!response.complete) end('cut')
        else if (response.statusCode === 200) end('clean', hash.digest('hex'))
        else end('failed')
      })
      response.on('error', () => end('cut'))
    })
    request.on('error', () => end('cut'))
    request.on('close', () => end('cut'))
    if (leaves) {
      const leave = () => {
        end('left')
        request.destroy()
      }
      leaving = setTimeout(leave, kind === 'stall' ? random.whole(200, 1_500) : random.whole(0, 30))
    }
    send(request, text, kind === 'upload')
  })
}

function isStreamed(kind: CallKind, random: Seeded): boolean {
  if (kind === 'leave') return random.next() < 0.7
  return kind === 'stream' || kind === 'held' || kind === 'cut' || kind === 'stall'
}

const idOf = (response: IncomingMessage): string | null => {
  const id = response.headers['x-sightglass-id']
  return typeof id === 'string' ? id : null
}

/** An upload comes in pieces, so that a kill finds requests half sent. */
function send(request: ClientRequest, text: string, inPieces: boolean) {
  if (!inPieces) {
    request.end(text)
    return
  }
  const bytes = Buffer.from(text)
  let from = 0
  const next = () => {
    if (request.destroyed) return
    const piece = bytes.subarray(from, from + 32_768)
    from += piece.length
    if (from >= bytes.length) request.end(piece)
    else request.write(piece, () => setImmediate(next))
  }
  next()
}

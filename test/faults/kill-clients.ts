import { createHash } from 'node:crypto'
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { callHeader } from './kill-upstream.ts'
import type { ClientEnd, Ledger } from './ledger.ts'
import { type Seeded, seeded } from './seeded.ts'

type Kind = 'json' | 'stream' | 'upload' | 'leave'
const kinds: readonly Kind[] = ['json', 'json', 'stream', 'stream', 'upload', 'leave']

export interface Clients {
  /** From here on nobody is to blame for a cut. */
  excuse(): void
  /** Resolves when every client has seen its last call end. */
  ended: Promise<void>
}

/** So many clients at the same time, each one call after the other on its own connection, until a call is cut. */
export function mixedClients(
  port: number,
  count: number,
  ledger: Ledger,
  seed: number,
  nextCall: () => string,
): Clients {
  const state = { excused: false }
  const client = async (place: number) => {
    const random = seeded(seed + place)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let end: ClientEnd | null = null; end !== 'cut' && !state.excused; ) {
      const call = nextCall()
      ledger.begun(call)
      end = await oneCall(call, random.pick(kinds), { port, agent, random, ledger, state })
    }
    agent.destroy()
  }
  const all = Promise.all(Array.from({ length: count }, (_, place) => client(place)))
  return {
    excuse: () => {
      state.excused = true
    },
    ended: all.then(() => {}),
  }
}

interface CallParts {
  port: number
  agent: Agent
  random: Seeded
  ledger: Ledger
  state: { excused: boolean }
}

function oneCall(call: string, kind: Kind, { port, agent, random, ledger, state }: CallParts): Promise<ClientEnd> {
  const streams = kind === 'stream' || (kind === 'leave' && random.next() < 0.7)
  const size = kind === 'upload' ? random.whole(10_000, 300_000) : random.whole(10, 2_000)
  const text = JSON.stringify({
    model: 'gpt-4o-mini',
    stream: streams,
    messages: [{ role: 'user', content: `${call} `.padEnd(size, 'x') }],
  })
  return new Promise((resolve) => {
    const request = httpRequest({
      port,
      agent,
      host: '127.0.0.1',
      method: 'POST',
      path: `/v1/chat/completions${streams ? '?stream' : ''}`,
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
      ledger.ended(call, how, how === 'left' || state.excused, sha256)
      resolve(how)
    }
    request.on('response', (response) => {
      ledger.headed(call, idOf(response))
      const hash = createHash('sha256')
      response.on('data', (piece: Buffer) => hash.update(piece))
      response.on('end', () => end(response.complete ? 'clean' : 'cut', hash.digest('hex')))
      response.on('error', () => end('cut'))
    })
    request.on('error', () => end('cut'))
    request.on('close', () => end('cut'))
    if (kind === 'leave') {
      leaving = setTimeout(
        () => {
          end('left')
          request.destroy()
        },
        random.whole(0, 30),
      )
    }
    send(request, text, kind === 'upload')
  })
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

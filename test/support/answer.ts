import type { Script, Step } from './scripted-upstream.ts'

/**
 * The steps of one HTTP answer. Pieces are sent at their milliseconds since the start; with `chunked` each piece is one
 * chunk. Headers are sent as given: the framing header is added at the end when none of them frames the body. A recorded
 * sample's `response` is such an answer.
 */
export function answer(parts: AnswerParts = {}): Step[] {
  const pieces = normalised(parts)
  const framing = parts.framing ?? 'length'
  const steps: Step[] = [Buffer.from(headText(parts, framing, pieces), 'latin1')]
  let passed = 0
  for (const [atMs, bytes] of pieces) {
    if (atMs > passed) steps.push({ waitMs: atMs - passed })
    passed = Math.max(passed, atMs)
    if (framing !== 'chunked') steps.push(bytes)
    else if (bytes.length > 0) steps.push(chunk(bytes))
  }
  if (parts.cut) return [...joined(steps), 'RST']
  if (framing === 'chunked') steps.push(Buffer.from(`0\r\n${lines(parts.trailers ?? [])}\r\n`, 'latin1'))
  if (framing === 'close') steps.push('FIN')
  return joined(steps)
}

export interface AnswerParts {
  status?: number
  reason?: string
  headers?: readonly (readonly [name: string, value: string])[]
  framing?: 'length' | 'chunked' | 'close' | 'none'
  /** `[milliseconds, bytes]`; text is sent as UTF-8. */
  pieces?: readonly (readonly [atMs: number, bytes: Uint8Array | string])[]
  /** Short for one piece at once. */
  body?: Uint8Array | string
  trailers?: readonly (readonly [name: string, value: string])[]
  /** The connection is reset after the last piece, without the end of the message. */
  cut?: boolean
}

/** One chunk of a chunked body. */
export function chunk(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
}

/** A JSON answer with its length. */
export const json = (value: unknown, status = 200, headers: AnswerParts['headers'] = []): Step[] =>
  answer({ status, headers: [['content-type', 'application/json'], ...headers], body: JSON.stringify(value) })

/** A chunked event stream, one event a piece, `gapMs` apart. */
export const eventStream = (events: readonly (string | object)[], gapMs = 0): Step[] =>
  answer({
    headers: [['content-type', 'text/event-stream; charset=utf-8']],
    framing: 'chunked',
    pieces: events.map((event, place) => [
      place * gapMs,
      `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`,
    ]),
  })

/** The same script for every request. */
export const always = (steps: Script) => (): Script => steps

function normalised(parts: AnswerParts): [number, Buffer][] {
  const pieces = parts.pieces ?? (parts.body === undefined ? [] : [[0, parts.body] as const])
  return pieces.map(([atMs, bytes]) => [atMs, Buffer.from(bytes)])
}

function headText(parts: AnswerParts, framing: string, pieces: [number, Buffer][]): string {
  const headers = [...(parts.headers ?? [])]
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name))
  if (!framed && framing === 'length')
    headers.push(['Content-Length', String(pieces.reduce((size, [, bytes]) => size + bytes.length, 0))])
  if (!framed && framing === 'chunked') headers.push(['Transfer-Encoding', 'chunked'])
  return `HTTP/1.1 ${parts.status ?? 200} ${parts.reason ?? 'OK'}\r\n${lines(headers)}\r\n`
}

const lines = (pairs: readonly (readonly [string, string])[]): string =>
  pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('')

/** Neighbouring bytes become one write, as a real server would send them. */
function joined(steps: Step[]): Step[] {
  const result: Step[] = []
  for (const step of steps) {
    const last = result.at(-1)
    if (step instanceof Uint8Array && last instanceof Uint8Array)
      result[result.length - 1] = Buffer.concat([last, step])
    else result.push(step)
  }
  return result
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type JsonObject, stringAt } from '../records/json.ts'

/** How fast the scripted models speak. */
export interface Pace {
  firstTokenMs: number
  tokensPerSecond: number
}

/** One call at the scripted provider. */
export interface Call {
  method: string
  path: string
  headers: IncomingMessage['headers']
  /** The parsed body; null when it was no JSON object. */
  body: JsonObject | null
  raw: Buffer
  pace: Pace
  /** Answers with a JSON value after the time that `tokens` tokens take. */
  json(status: number, value: unknown, options?: { tokens?: number; headers?: Record<string, string> }): Promise<void>
  text(status: number, value: string): void
  bytes(status: number, contentType: string, value: Buffer): void
  /** Begins a stream. */
  stream(contentType: string, headers?: Record<string, string>): Stream
}

export interface Stream {
  send(text: string): void
  /** Resolves when the next token is ready. */
  token(): Promise<void>
  end(): void
  /** Breaks the connection off in the middle of the answer. */
  cut(): void
}

export type Handler = (call: Call) => Promise<void> | void

/** `METHOD /path`, or a path that ends in `*` for any rest. */
export type Routes = Readonly<Record<string, Handler>>

/** Thrown out of a handler when its client has left. */
export class ClientLeft extends Error {
  override name = 'ClientLeft'
}

export const modelOf = (call: Call): string => stringAt(call.body, 'model') ?? ''

/** The status that a model named `error-429` stands for. */
export function statusOf(model: string): number | null {
  const status = Number(/^error-([45]\d\d)$/.exec(model)?.[1] ?? Number.NaN)
  return Number.isNaN(status) ? null : status
}

/** The models that fail by design, which every vendor here has. */
export const failingModels = ['error-stream', 'error-cut']

/** How many tokens are said before they fail. */
export const tokensBeforeFailure = 3

/** Milliseconds that an answer of that many tokens takes at this pace. */
export const durationMs = (pace: Pace, tokens: number): number =>
  pace.firstTokenMs + (Math.max(0, tokens - 1) * 1000) / pace.tokensPerSecond

export function callOf(
  request: IncomingMessage,
  response: ServerResponse,
  { raw, body, pace }: Pick<Call, 'raw' | 'body' | 'pace'>,
): Call {
  const startedMs = performance.now()
  const until = async (atMs: number) => {
    const left = Math.max(0, startedMs + atMs - performance.now())
    await waitOrLeave(response, left)
  }
  return {
    method: request.method ?? '',
    path: (request.url ?? '').split('?', 1)[0] ?? '',
    headers: request.headers,
    body,
    raw,
    pace,
    async json(status, value, options = {}) {
      if (options.tokens !== undefined) await until(durationMs(pace, options.tokens))
      const text = Buffer.from(JSON.stringify(value))
      const coded = text.length >= compressedFrom && gzipWelcome(request)
      const body = coded ? gzipSync(text) : text
      response.writeHead(status, {
        'content-type': 'application/json',
        ...(coded && { 'content-encoding': 'gzip' }),
        'content-length': body.length,
        ...options.headers,
      })
      response.end(body)
    },
    text(status, value) {
      this.bytes(status, 'text/plain; charset=utf-8', Buffer.from(value))
    },
    bytes(status, contentType, value) {
      response.writeHead(status, { 'content-type': contentType, 'content-length': value.length })
      response.end(value)
    },
    stream(contentType, headers = {}) {
      response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache', ...headers })
      response.flushHeaders()
      let said = 0
      let dueMs = pace.firstTokenMs
      return {
        send: (text) => void response.write(text),
        async token() {
          await until(dueMs)
          dueMs += (1000 / pace.tokensPerSecond) * wobble(said++)
        },
        end: () => void response.end(),
        cut: () => response.destroy(),
      }
    },
  }
}

/** The vendors compress longer answers where the client allows it; a local Ollama does not. */
const compressedFrom = 512
const gzipWelcome = ({ headers, url }: IncomingMessage): boolean =>
  /\bgzip\b/.test(String(headers['accept-encoding'] ?? '')) && !url?.startsWith('/api/')

/** Between 0.6 and 1.4, 1 on average: real models are uneven, and this one unevenly the same each time. */
const wobble = (place: number): number => 0.6 + 0.08 * ((place * 37) % 11)

async function waitOrLeave(response: ServerResponse, ms: number): Promise<void> {
  if (response.destroyed) throw new ClientLeft()
  await new Promise<void>((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer)
      reject(new ClientLeft())
    }
    const timer = setTimeout(() => {
      response.off('close', leave)
      resolve()
    }, ms)
    response.once('close', leave)
  })
}

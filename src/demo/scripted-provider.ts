import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { isObject, parseJson } from '../records/json.ts'
import { anthropicError, anthropicRoutes } from './anthropic-shape.ts'
import { type Call, ClientLeft, callOf, type Handler, modelOf, type Pace, type Routes, statusOf } from './call.ts'
import { ollamaError, ollamaRoutes } from './ollama-shape.ts'
import { openaiError } from './openai-parts.ts'
import { openaiRoutes } from './openai-shape.ts'

/**
 * A server that speaks the APIs of OpenAI, Anthropic and Ollama without a model behind them: the same words to the same
 * question, token by token at the pace of a real one, with true counts. Models named `error-400` … `error-529` fail so;
 * `error-stream` fails and `error-cut` breaks off in the middle of a stream.
 */
export async function scriptedProvider(options: { port?: number; pace?: Pace } = {}): Promise<ScriptedProvider> {
  const pace = options.pace ?? realisticPace
  const calls: SeenCall[] = []
  const failures: unknown[] = []
  const server = createServer((request, response) => {
    const seen: SeenCall = { method: request.method ?? '', path: request.url ?? '', aborted: false, ended: false }
    calls.push(seen)
    response.on('close', () => {
      seen.ended = true
      seen.aborted = !response.writableFinished
    })
    answer(request, response, pace).catch((error: unknown) => {
      if (error instanceof ClientLeft || request.destroyed) return
      failures.push(error)
      response.destroy()
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the scripted provider has no port')
  const stop = async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    calls,
    failures,
    get aborted() {
      return calls.filter((call) => call.aborted).length
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

export interface ScriptedProvider extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly calls: readonly SeenCall[]
  /** Calls whose client left before the answer was complete. */
  readonly aborted: number
  /** Mistakes of this server's own. */
  readonly failures: readonly unknown[]
  stop(): Promise<void>
}

export interface SeenCall {
  method: string
  path: string
  ended: boolean
  aborted: boolean
}

export const realisticPace: Pace = { firstTokenMs: 240, tokensPerSecond: 60 }

async function answer(request: IncomingMessage, response: ServerResponse, pace: Pace): Promise<void> {
  const raw = await bytesOf(request)
  const parsed = parseJson(raw.toString('utf8'))
  const body = parsed && isObject(parsed.value) ? parsed.value : null
  const call = callOf(request, response, { raw, body, pace })
  const vendor = vendorOf(call)
  const handler = find(vendor.routes, call)
  if (!handler) return vendor.error(call, 404, `no route ${call.method} ${call.path}`)
  const credential = request.headers.authorization ?? request.headers['x-api-key']
  if (vendor.needsKey && !credential) return vendor.error(call, 401, 'no API key was sent')
  const form = /^multipart\//.test(request.headers['content-type'] ?? '')
  if (call.method === 'POST' && !body && !form) return vendor.error(call, 400, 'the body is no JSON object')
  const status = statusOf(modelOf(call))
  if (status !== null) return vendor.error(call, status, `the model ${modelOf(call)} answers ${status}`)
  await handler(call)
}

interface Vendor {
  routes: Routes
  needsKey: boolean
  error: (call: Call, status: number, message: string) => Promise<void>
}

const openai: Vendor = { routes: openaiRoutes, needsKey: true, error: openaiError }
const anthropic: Vendor = { routes: anthropicRoutes, needsKey: true, error: anthropicError }
const ollama: Vendor = { routes: ollamaRoutes, needsKey: false, error: ollamaError }

function vendorOf(call: Call): Vendor {
  if (call.path.startsWith('/v1/messages') || call.headers['anthropic-version']) return anthropic
  return call.path.startsWith('/v1/') ? openai : ollama
}

function find(routes: Routes, call: Call): Handler | null {
  const asked = `${call.method} ${call.path}`
  const known = Object.entries(routes).find(([route]) =>
    route.endsWith('*') ? asked.startsWith(route.slice(0, -1)) : asked === route,
  )
  return known?.[1] ?? null
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts)
}

import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { RequestAgain } from '../api/request-again.ts'
import { CommandFailure } from './failure.ts'

/** What came back, as far as its record does not tell. */
export interface ReplayAnswer {
  readonly status: number
  /** Null: it was not passed on; the proxy itself answered. */
  readonly id: string | null
}

/** Sends a request as it is, with nothing added but its length, and reads the answer to its end, whatever that is. */
export function send(url: string, { method, headers, bytes }: RequestAgain): Promise<ReplayAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<ReplayAnswer>()
  const request = url.startsWith('https:') ? httpsRequest : httpRequest
  const length = bytes === null ? {} : { 'content-length': String(bytes.length) }
  const call = request(url, { method, headers: { ...headers, ...length }, agent: false })
  call.on('response', (answer: IncomingMessage) => {
    const id = answer.headers['x-sightglass-id']
    const found = { status: answer.statusCode ?? 0, id: typeof id === 'string' ? id : null }
    answer.on('error', () => {}) // an answer that is cut is told by its record
    answer.on('close', () => resolve(found))
    answer.resume()
  })
  call.on('error', (error: NodeJS.ErrnoException) =>
    reject(
      new CommandFailure(`${new URL(url).origin} did not take the call (${error.code ?? error.message})`, {
        cause: error,
      }),
    ),
  )
  call.end(bytes ?? undefined)
  return promise
}

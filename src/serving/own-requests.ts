import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import type { OwnRequests } from './data-plane.ts'

/** Where the first process answers what is addressed to ourselves, for its workers: a socket that no other user can reach. */
export interface OwnSocket {
  readonly path: string
  close(): void
}

export async function openOwnSocket(self: OwnRequests): Promise<OwnSocket> {
  // not in the data directory: a socket's path may have about a hundred characters
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-'))
  const path =
    process.platform === 'win32' ? `\\\\.\\pipe\\${directory.replaceAll(/\W/g, '-')}` : join(directory, 'own')
  const server = createServer({ maxHeaderSize: headerBytes, requireHostHeader: false, requestTimeout: 0 }, self)
  const close = (): void => {
    server.closeAllConnections()
    server.close()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    server.listen(path)
    await once(server, 'listening')
  } catch (error) {
    close()
    throw error
  }
  return { path, close }
}

/** Hands requests over to the first process, and its answers back, as they are. */
export function passTo(socketPath: string): OwnRequests {
  return (request, response) => {
    const { method, url, rawHeaders } = request
    const passed = send({ socketPath, method, path: url, headers: [...rawHeaders], setDefaultHeaders: false })
    passed.once('response', (answer: IncomingMessage) => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders))
      pipeline(answer, response, ignore) // whoever is gone took the other with them
    })
    passed.once('error', () => unanswered(response))
    response.once('close', () => {
      if (!response.writableFinished) passed.destroy()
    })
    pipeline(request, passed, ignore) // an answer may come before all was read
  }
}

/** Of an answer, what is not about the socket between the processes. */
const endToEnd = (flat: readonly string[]): string[] =>
  flat.filter((_, place) => !perConnection.has(flat[place - (place % 2)]!.toLowerCase()))

const perConnection: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding'])

function unanswered(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const body = JSON.stringify({
    error: { message: 'the proxy is being stopped, or started again', type: 'service_unavailable' },
  })
  response.writeHead(503, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const ignore = (): void => {}
/** As much as the front door takes of a request. */
const headerBytes = 64 * 1024

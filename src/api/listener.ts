import type { IncomingMessage, ServerResponse } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { ApiError } from './api-error.ts'
import type { Api } from './app.ts'

/** The API as a listener for Node's own requests, which the front door hands over. Unread bodies stay the server's business. */
export function apiListener(api: Api): (request: IncomingMessage, response: ServerResponse) => void {
  const listener = getRequestListener((request, bindings) => api.fetch(request, bindings as HttpBindings), {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: () => Response.json(malformed.body(), { status: malformed.status }),
  })
  return (request, response) => {
    listener(request, response)
  }
}

const malformed = new ApiError(400, 'malformed_request', 'the Host header or the path is malformed')

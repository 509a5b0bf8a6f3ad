import { NotRepeatable, type RequestAgain, requestAgain } from '../api/request-again.ts'
import type { RunDetail } from '../stores/store.ts'
import { CommandFailure } from './failure.ts'

/** What a recorded call sent, for another upstream. `prefix` is what the original provider's paths are below. */
export function replayRequest(detail: RunDetail, body: Uint8Array | null, prefix: string | undefined): RequestAgain {
  try {
    const request = requestAgain(detail, body)
    return { ...request, path: withoutPrefix(request.path, prefix) }
  } catch (error) {
    if (!(error instanceof NotRepeatable)) throw error
    throw new CommandFailure(`${detail.telemetry._id} cannot be replayed: ${error.message}`, { cause: error })
  }
}

/** Paths are recorded as the upstream has them (`/openai/v1/…`); the next upstream may have them elsewhere. */
const withoutPrefix = (path: string, prefix: string | undefined): string =>
  prefix && path.startsWith(`${prefix}/v1/`) ? path.slice(prefix.length) : path

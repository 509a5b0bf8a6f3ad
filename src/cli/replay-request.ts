import { NotRepeatable, type RequestAgain, requestAgain } from '../api/request-again.ts'
import type { Provider } from '../records/provider.ts'
import { usualPath } from '../records/provider-paths.ts'
import type { RunDetail } from '../stores/store.ts'
import { CommandFailure } from './failure.ts'

/** What a recorded call sent, for another upstream: its path as clients write it, not as the original provider has it. */
export function replayRequest(
  detail: RunDetail,
  body: Uint8Array | null,
  provider: Provider | undefined,
): RequestAgain {
  try {
    const request = requestAgain(detail, body)
    return { ...request, path: provider ? usualPath(provider, request.path) : request.path }
  } catch (error) {
    if (!(error instanceof NotRepeatable)) throw error
    throw new CommandFailure(`${detail.telemetry._id} cannot be replayed: ${error.message}`, { cause: error })
  }
}

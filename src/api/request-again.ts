import { hash } from 'node:crypto'
import type { Provider } from '../records/provider.ts'
import type { RunDetail } from '../stores/store.ts'

/** What a recorded call sent, to be sent again. */
export interface RequestAgain {
  readonly method: string
  /** As the upstream has it, without the query, which is not recorded. */
  readonly path: string
  /** Of the recorded fields those that say what the bytes mean. */
  readonly headers: Readonly<Record<string, string>>
  /** Null: the call had no body. */
  readonly bytes: Uint8Array | null
}

/** Why that is not known to the byte. */
export class NotRepeatable extends Error {
  override name = 'NotRepeatable'
}

/** Throws `NotRepeatable` for a body that was not kept, was cut at the limit, or had a secret of its call masked. */
export function requestAgain({ telemetry, run }: RunDetail, body: Uint8Array | null): RequestAgain {
  const { metadata } = telemetry
  const facts = run.request_body
  const refuse = (reason: string): never => {
    throw new NotRepeatable(reason)
  }
  if (metadata.end_phase === 'request') refuse('its request never came in whole')
  if (facts.size > 0 && (body === null || facts.kept === 0)) {
    refuse(`the bytes of its request were not kept (capture ${metadata.capture_request})`)
  }
  if (facts.truncated) refuse(`only ${facts.kept} of the ${facts.size} bytes of its request were kept (body_limit)`)
  const bytes = facts.size > 0 ? body : null
  if (
    metadata.masked &&
    (mask.test(metadata.endpoint) || (bytes !== null && Buffer.from(bytes).includes('*'.repeat(12))))
  ) {
    refuse('a secret stood in its request and was masked, so the bytes that were sent are not known')
  }
  if (bytes !== null && hash('sha256', bytes, 'hex') !== facts.sha256) {
    refuse('the bytes that were kept are not those that were sent (their SHA-256 differs)')
  }
  return { method: metadata.method, path: metadata.endpoint, headers: headersOf(run), bytes }
}

/** Secrets of a call are masked at their length, which is at least this; whether in the request or the answer is not recorded. */
const mask = /\*{12}/

/** Others tell of the client, its account or its connection. */
function headersOf({ request_body, request_headers }: RunDetail['run']): Record<string, string> {
  const meaning = request_headers.filter(([name]) => name === 'accept' || /-(?:version|beta)$/.test(name))
  return {
    ...Object.fromEntries(meaning),
    ...(request_body.content_type === null ? {} : { 'content-type': request_body.content_type }),
    ...(request_body.content_encoding === null ? {} : { 'content-encoding': request_body.content_encoding }),
  }
}

/** The field that a provider reads its key from. */
export function keyHeader(provider: Provider | undefined, key: string): Record<string, string> {
  const { header, prefix } = provider?.auth ?? { header: 'authorization', prefix: 'Bearer ' }
  return { [header]: `${prefix}${key}` }
}

/** `GROQ_API_KEY`, as the vendors' own SDKs and tools have it. */
export const keyVariable = (id: string): string => `${id.toUpperCase().replaceAll('-', '_')}_API_KEY`

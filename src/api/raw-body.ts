import type { StoredBody } from '../stores/store.ts'

/** Kept bytes as a download that no browser renders: whoever wrote them, they are not a page of ours. */
export function rawBody(name: string, body: StoredBody): Response {
  const headers = new Headers({
    'content-type': fieldValue(body.contentType) ?? 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}.bin"`,
    'content-security-policy': "sandbox; default-src 'none'",
    'cross-origin-resource-policy': 'same-origin',
  })
  const coding = fieldValue(body.contentEncoding)
  if (coding !== null) headers.set('x-sightglass-content-encoding', coding)
  if (body.truncated) headers.set('x-sightglass-truncated', 'true')
  return new Response(Buffer.from(body.bytes), { headers })
}

/** A value that can stand in a header field, or null (RFC 9110 §5.5). */
const fieldValue = (text: string | null): string | null =>
  text !== null && /^[\x20-\x7e\x80-\xff]+$/.test(text) ? text : null

/** Fields by which a server checks that a body is the one that was sent: RFC 9530, RFC 3230, RFC 9421, AWS. */
const binding: ReadonlySet<string> = new Set([
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
  'signature',
  'x-amz-content-sha256',
])

/** The head of a request holds a digest or a signature, so that its body cannot be another. */
export function bindsBody(rawHeaders: readonly string[]): boolean {
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const name = rawHeaders[place]!.toLowerCase()
    if (binding.has(name) || (name === 'authorization' && /^\s*AWS4-/i.test(rawHeaders[place + 1]!))) return true
  }
  return false
}

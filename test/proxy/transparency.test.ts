import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AnswerParts, answer } from '../support/answer.ts'
import { bytesOf } from '../support/memory-journal.ts'
import { type Pipe, pipe } from '../support/pipe.ts'
import { type RawConnection, rawConnect, requestBytes } from '../support/raw-client.ts'
import { type ScriptedUpstream, type Step, scriptedUpstream } from '../support/scripted-upstream.ts'

/**
 * Promise 1 as a property: whatever the upstream sends, however it is framed, coded and cut, a client behind the proxy
 * receives what a client without it receives. Each case asks the upstream twice, directly and through the proxy.
 */
const cases = Number(process.env.TRANSPARENCY_CASES ?? 1000)

let upstream: ScriptedUpstream
let proxy: Pipe
let script: Step[] = []

beforeAll(async () => {
  upstream = await scriptedUpstream(() => script)
  proxy = await pipe({ upstreams: { openai: upstream.port } })
})

afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await upstream.stop()
})

const codings = {
  identity: (bytes: Uint8Array) => bytes,
  gzip: gzipSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
  deflate: deflateSync,
} as const

const name = fc.constantFrom(
  'X-A',
  'x-a',
  'Set-Cookie',
  'X-REQUEST-ID',
  'Date',
  'cache-control',
  'X-Ünï'.normalize('NFD').replace(/[^\x20-\x7e]/g, ''),
)
const value = fc.stringMatching(/^(?:[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa1-\xff]{0,20}[\x21-\x7e\xa1-\xff])?)?$/)

const anAnswer = fc.record({
  kind: fc.constantFrom('length', 'chunked', 'close', 'HEAD', '204', '304', 'early'),
  coding: fc.constantFrom(...(Object.keys(codings) as (keyof typeof codings)[])),
  body: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }).map((text) => Buffer.from(text)),
    fc.nat(80_000).map((size) => Buffer.alloc(size, 'abc 123 ')),
  ),
  cuts: fc.array(fc.nat(100_000), { maxLength: 6 }),
  reason: fc.stringMatching(/^[\x21-\x7e][\x20-\x7e]{0,15}[\x21-\x7e]$/),
  headers: fc.array(fc.tuple(name, value), { maxLength: 6 }),
  status: fc.constantFrom(200, 201, 299, 400, 404, 429, 500, 529),
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
  request: fc.uint8Array({ maxLength: 2000 }),
  chunkedRequest: fc.boolean(),
})

it(`gives the client what a direct client gets, byte by byte and header by header, in ${cases} random cases`, async () => {
  let direct = await rawConnect(upstream.port)
  let through = await rawConnect(proxy.port)
  const fresh = async (connection: RawConnection, port: number): Promise<RawConnection> => {
    if (!connection.socket.destroyed && !connection.socket.readableEnded && connection.socket.writable)
      return connection
    connection.socket.destroy()
    return rawConnect(port)
  }
  await fc.assert(
    fc.asyncProperty(anAnswer, async (given) => {
      script = steps(given)
      const method = given.kind === 'HEAD' ? 'HEAD' : given.method
      const request = requestOf(method, given.request, given.chunkedRequest)
      direct = await fresh(direct, upstream.port)
      const expected = await direct.exchange(request)
      through = await fresh(through, proxy.port)
      const got = await through.exchange(request)

      expect(got.headWithout('x-sightglass-id', 'transfer-encoding')).toBe(expected.headWithout('transfer-encoding'))
      expect(got.framing).toBe(expected.framing)
      expect(got.body.equals(expected.body)).toBe(true)
      expect(got.trailers).toEqual(expected.trailers)
      const cut = (ended: string): boolean => ended !== 'clean'
      expect(cut(got.ended)).toBe(cut(expected.ended))

      const [asked, forwarded] = upstream.requests.slice(-2)
      expect(forwarded!.method).toBe(asked!.method)
      expect(forwarded!.body.equals(asked!.body)).toBe(true)
      const id = got.header('x-sightglass-id')
      const entry = await proxy.entry(proxy.journal.entries.findIndex(({ open }) => open.id === id))
      expect(bytesOf(entry.response).equals(got.body)).toBe(true)
      expect(bytesOf(entry.request).equals(forwarded!.body)).toBe(true)
      if (cut(got.ended)) through.socket.destroy()
    }),
    { numRuns: cases },
  )
  direct.leave()
  through.leave()
  expect(upstream.failures).toEqual([])
}, 180_000)

type Given = typeof anAnswer extends fc.Arbitrary<infer T> ? T : never

function steps(given: Given): Step[] {
  const { kind, coding, cuts, status, reason } = given
  const headers = [...given.headers]
  const body = Buffer.from(codings[coding](given.body))
  if (coding !== 'identity') headers.push(['Content-Encoding', coding])
  const parts: AnswerParts = { status, reason, headers, pieces: pieces(body, cuts) }
  if (kind === 'HEAD')
    return answer({ ...parts, framing: 'none', headers: [...headers, ['Content-Length', '1234']], pieces: [] })
  if (kind === '204' || kind === '304') return answer({ ...parts, status: Number(kind), framing: 'none', pieces: [] })
  if (kind === 'early')
    return [...answer({ ...parts, headers: [...headers, ['Content-Length', String(body.length + 7)]] }), 'FIN']
  return answer({
    ...parts,
    framing: kind,
    ...(kind === 'chunked' && cuts.length > 4 ? { trailers: [['X-Sum', '1']] } : {}),
  })
}

function pieces(body: Buffer, cuts: number[]): [number, Buffer][] {
  const places = [0, ...cuts.map((place) => place % (body.length + 1)).sort((one, other) => one - other), body.length]
  return places.slice(1).map((place, index) => [0, body.subarray(places[index], place)])
}

function requestOf(method: string, body: Uint8Array, chunked: boolean): Buffer {
  const headers: [string, string][] = [['Content-Type', 'application/octet-stream']]
  if (body.length === 0 || method === 'GET' || method === 'HEAD')
    return requestBytes(method, '/v1/anything?x=%20', headers)
  if (!chunked) return requestBytes(method, '/v1/anything?x=%20', headers, body)
  const head = requestBytes(method, '/v1/anything?x=%20', [...headers, ['Transfer-Encoding', 'chunked']])
  return Buffer.concat([head, Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])
}

import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateRawSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Deflater } from '../../../src/lib/deflater.ts'
import { RecodedFilter } from '../../../src/proxy/asking/recoded-filter.ts'
import { eventually } from '../../support/within.ts'

const event = (rest: string): string => `data: {"id":"c1",${rest}}\n\n`
const words = event('"choices":[{"delta":{"content":"Grüße"}}]')
const last = event('"choices":[],"usage":{"prompt_tokens":1}')
const asked = `${event('"choices":[{"delta":{"content":"Grüße"}}],"usage":null')}${last}data: [DONE]\n\n`
const unasked = `${words}data: [DONE]\n\n`

const codings = [
  ['gzip', gzipSync, gunzipSync, createGunzip],
  ['x-gzip', gzipSync, gunzipSync, createGunzip],
  ['deflate', deflateSync, inflateSync, createInflate],
  ['deflate', deflateRawSync, inflateRawSync, createInflateRaw],
  ['br', brotliCompressSync, brotliDecompressSync, createBrotliDecompress],
  ['zstd', zstdCompressSync, zstdDecompressSync, createZstdDecompress],
] as const

describe.each(codings)('%s', (coding, pack, unpack, reader) => {
  it('leaves out what asking added, in the same coding, however it is cut', () => {
    const packed = pack(asked)
    for (const size of [1, 7, packed.length]) {
      const filter = new RecodedFilter(coding)
      const out: Buffer[] = []
      for (let at = 0; at < packed.length; at += size)
        out.push(filter.push(packed.subarray(at, at + size)) ?? Buffer.alloc(0))
      out.push(filter.end() ?? Buffer.alloc(0))
      expect(unpack(Buffer.concat(out)).toString()).toBe(unasked)
      expect(filter).toMatchObject({
        failure: null,
        withheldBytes: Buffer.byteLength(asked) - Buffer.byteLength(unasked),
      })
    }
  })

  it('passes each piece so that it can be read at once', async () => {
    const upstream = new Deflater(coding, pack('x'))
    const filter = new RecodedFilter(coding)
    const client = reader()
    let read = ''
    client.on('data', (bytes: Buffer) => {
      read += bytes.toString()
    })
    for (const count of [1, 2, 3]) {
      client.write(filter.push(upstream.write(Buffer.from(words))))
      await eventually(`word ${count}`, () => read === words.repeat(count))
    }
    expect(filter.push(upstream.write(Buffer.from(last)))).toBeNull()
    client.destroy()
    filter.end()
    upstream.close()
  })

  it('makes up no end that the upstream did not send', () => {
    const upstream = new Deflater(coding, pack('x'))
    const filter = new RecodedFilter(coding)
    const out = Buffer.concat([filter.push(upstream.write(Buffer.from(words)))!, filter.end() ?? Buffer.alloc(0)])
    expect(() => unpack(out)).toThrow()
    expect(
      unpack(out, {
        finishFlush:
          coding === 'br'
            ? constants.BROTLI_OPERATION_FLUSH
            : coding === 'zstd'
              ? constants.ZSTD_e_flush
              : constants.Z_SYNC_FLUSH,
      }).toString(),
    ).toBe(words)
    upstream.close()
  })

  it('passes nothing behind bytes that are not in the coding', () => {
    const upstream = new Deflater(coding, pack('x'))
    const filter = new RecodedFilter(coding)
    const good = filter.push(upstream.write(Buffer.from(words)))
    expect(good).not.toBeNull()
    filter.push(Buffer.alloc(3000, 0xff))
    expect(filter.failure).not.toBeNull()
    expect(filter.push(upstream.write(Buffer.from(words)))).toBeNull()
    expect(filter.end()).toBeNull()
    upstream.close()
  })
})

it('gives up on a bomb before it costs anything', () => {
  const filter = new RecodedFilter('gzip')
  const bomb = gzipSync(Buffer.alloc(256 << 20, 0x0a), { level: constants.Z_BEST_COMPRESSION })
  const before = process.cpuUsage()
  for (let at = 0; at < bomb.length; at += 65_536) filter.push(bomb.subarray(at, at + 65_536))
  filter.end()
  expect(filter.failure).toContain('far smaller')
  const { user } = process.cpuUsage(before)
  expect(user / 1000).toBeLessThan(1500)
})

it('passes what is too short for any coding', () => {
  const filter = new RecodedFilter('gzip')
  expect(filter.push(Buffer.from([0x1f]))).toBeNull()
  expect(filter.end()).toEqual(Buffer.from([0x1f]))
})

it('passes a stream as it came that is not in the coding its head announces', () => {
  const filter = new RecodedFilter('gzip')
  expect(filter.push(Buffer.from('d'))).toBeNull()
  expect(filter.push(Buffer.from(asked.slice(1)))?.toString()).toBe(asked)
  expect(filter.push(Buffer.from('more'))?.toString()).toBe('more')
  expect(filter.end()).toBeNull()
  expect(filter).toMatchObject({ failure: null, note: expect.stringContaining('not in gzip') })
})

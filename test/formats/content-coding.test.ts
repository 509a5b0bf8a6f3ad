import { randomBytes } from 'node:crypto'
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Content, decodeContent } from '../../src/formats/framing/content-coding.ts'
import type { Body, Piece } from '../../src/records/exchange.ts'
import { cutInto } from '../contract/format-sample.ts'

const text = Buffer.from('Ein Satz, der sich wiederholt. '.repeat(400) + randomBytes(3000).toString('hex'))

const bodyOf = (pieces: readonly Piece[]): Body => ({
  pieces,
  size: pieces.reduce((sum, piece) => sum + piece.bytes.length, 0),
  whole: true,
})
const decode = (bytes: Uint8Array, coding: string | null, length: number, limit?: number): Content =>
  decodeContent(bodyOf(cutInto(bytes, length)), coding, limit)
const textIn = (content: Content): Buffer => Buffer.concat(content.pieces.map((piece) => piece.bytes))

const coded: [string, string, Uint8Array][] = [
  ['gzip', 'gzip', gzipSync(text)],
  ['gzip under its old name', 'X-GZip', gzipSync(text)],
  ['gzip of several members', 'gzip', Buffer.concat([gzipSync(text.subarray(0, 5000)), gzipSync(text.subarray(5000))])],
  ['deflate', 'deflate', deflateSync(text)],
  ['deflate without its wrapper', 'deflate', deflateRawSync(text)],
  ['brotli', 'br', brotliCompressSync(text)],
  ['zstd', 'zstd', zstdCompressSync(text)],
  [
    'zstd of several frames',
    'zstd',
    Buffer.concat([zstdCompressSync(text.subarray(0, 99)), zstdCompressSync(text.subarray(99))]),
  ],
  ['two codings', 'gzip, br', brotliCompressSync(gzipSync(text))],
  ['identity', 'identity', text],
]

describe('content codings', () => {
  describe.each(coded)('%s', (_name, coding, bytes) => {
    it.each([1, 13, 1 << 20])('is decoded in pieces of %i bytes', (length) => {
      const content = decode(bytes, coding, length)
      expect(textIn(content).equals(text)).toBe(true)
      expect(content).toMatchObject({ whole: true, notes: [], unexamined: false })
    })
  })

  it.each([
    ['gzip', createGzip(), constants.Z_SYNC_FLUSH],
    ['br', createBrotliCompress(), constants.BROTLI_OPERATION_FLUSH],
  ] as const)('%s gives each flushed event with the piece that completed it', async (coding, encoder, flush) => {
    const pieces: Piece[] = []
    let offset = 0
    for (const [index, event] of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'].entries()) {
      encoder.write(event)
      await new Promise<void>((resolve) => encoder.flush(flush, resolve))
      const bytes: Buffer = encoder.read()
      pieces.push({ offset, atMs: index, bytes })
      offset += bytes.length
    }
    const decoded = decodeContent(bodyOf(pieces), coding).pieces
    expect(decoded.map(({ atMs, bytes }) => [atMs, Buffer.from(bytes).toString()])).toEqual([
      [0, 'data: 1\n\n'],
      [1, 'data: 2\n\n'],
      [2, 'data: 3\n\n'],
    ])
  })

  it.each(coded.filter(([, coding]) => !coding.includes('identity')))(
    '%s: keeps what came before a cut',
    (name, coding, bytes) => {
      const content = decode(bytes.subarray(0, bytes.length - 40), coding, 100)
      const kept = textIn(content)
      expect(content.whole).toBe(false)
      expect(content.notes.join()).toMatch(/ended early/)
      expect(text.subarray(0, kept.length).equals(kept)).toBe(true)
      // zstd and brotli give whole blocks only
      if (/gzip|deflate/.test(name)) expect(kept.length).toBeGreaterThan(text.length / 2)
    },
  )

  it.each([1, 100, 1 << 20])('keeps what came before bytes that are wrong, in pieces of %i', (length) => {
    const content = decode(Buffer.concat([gzipSync(text), Buffer.from('no gzip')]), 'gzip', length)
    expect(textIn(content).equals(text)).toBe(true)
    expect(content).toMatchObject({ whole: false, notes: ['gzip: incorrect header check'] })
  })

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50 << 20))],
    ['br', brotliCompressSync(Buffer.alloc(50 << 20), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
    ['zstd', zstdCompressSync(Buffer.alloc(50 << 20))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50 << 20)))],
  ])('stops a bomb of %s at the limit', (coding, bytes) => {
    const content = decode(bytes, coding, 1 << 20, 1 << 20)
    expect(textIn(content).length).toBeLessThanOrEqual(1 << 20)
    expect(content).toMatchObject({ whole: false, unexamined: true })
    expect(content.notes.join()).toMatch(/more than 1048576 decoded bytes/)
  })

  it('reads nothing in a coding nobody knows, and says so', () => {
    expect(decode(text, 'compress', 100)).toMatchObject({
      pieces: [],
      whole: false,
      unexamined: true,
      notes: ['unknown content coding "compress": the body was not read'],
    })
    expect(decode(text, 'br, br, br', 100).notes).toEqual(['3 content codings: the body was not read'])
  })

  it('reads a plain body that claims a coding', () => {
    const content = decode(Buffer.from('{"a":1}'), 'gzip', 2)
    expect(textIn(content).toString()).toBe('{"a":1}')
    expect(content.notes.join()).toMatch(/not gzip as its header says/)
  })

  it('stops at a gap in a compressed body', () => {
    const bytes = gzipSync(text)
    const [first, ...rest] = cutInto(bytes, 700)
    const content = decodeContent(bodyOf([first!, ...rest.slice(2)]), 'gzip')
    expect(content).toMatchObject({ whole: false, unexamined: true })
    expect(textIn(content).equals(text.subarray(0, textIn(content).length))).toBe(true)
  })

  it('says nothing of an empty body', () => {
    expect(decode(Buffer.alloc(0), 'gzip', 1)).toMatchObject({ pieces: [], whole: true, notes: [] })
  })
})

import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BodyLimits, bodyValue } from '../../src/formats/body-value.ts'

const read = (
  bytes: string | Uint8Array | null,
  about: { type?: string; coding?: string; size?: number; limits?: BodyLimits } = {},
) => {
  const kept = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const size = about.size ?? kept?.length ?? 0
  return bodyValue(
    { bytes: kept, size, contentType: about.type ?? null, contentEncoding: about.coding ?? null },
    about.limits,
  )
}

describe('a kept body as a value', () => {
  it('is JSON where it is JSON, also compressed and under another type', () => {
    const value = { a: [1, 'ü'], b: null }
    const text = JSON.stringify(value)
    for (const type of ['application/json', 'text/plain', undefined])
      expect(read(text, type ? { type } : {})).toEqual({ value, chunks: null, cut: false })
    expect(read(gzipSync(text), { coding: 'gzip' })).toEqual({ value, chunks: null, cut: false })
  })

  it('is text where it is text, and a placeholder where it is neither', () => {
    expect(read('Bad gateway', { type: 'text/html' })).toMatchObject({ value: 'Bad gateway', cut: false })
    expect(read('{"a":', { type: 'application/json' })).toMatchObject({ value: '{"a":', chunks: null })
    expect(read(new Uint8Array(2_048), { type: 'audio/mpeg' }).value).toBe('[audio/mpeg 2 kB]')
    expect(read(gzipSync('{}'), { coding: 'compress' }).value).toContain('bytes')
  })

  it('is the chunks of a stream in order, without comments, end marks and empty objects', () => {
    const sse = ': hi\n\ndata: {}\n\nevent: x\ndata: {"n":1}\n\ndata: {"n":2}\n\ndata: [DONE]\n\n'
    expect(read(sse, { type: 'text/event-stream' })).toEqual({ value: null, chunks: [{ n: 1 }, { n: 2 }], cut: false })
    const lines = '{"n":1}\n{}\n{"n":2,"done":true}\n'
    expect(read(lines, { type: 'application/x-ndjson' }).chunks).toEqual([{ n: 1 }, { n: 2, done: true }])
  })

  it('says what is missing', () => {
    const sse = 'data: {"n":1}\n\ndata: {"n":2}\n\n'
    expect(read(sse, { limits: { chunks: 1 } })).toMatchObject({ chunks: [{ n: 1 }], cut: true })
    expect(read(sse.slice(0, -8), { size: sse.length })).toMatchObject({ chunks: [{ n: 1 }], cut: true })
    expect(read('data: {"n":\n\ndata: {"n":2}\n\n')).toMatchObject({ chunks: [{ n: 2 }], cut: true })
    expect(read('{"a":1', { size: 900 })).toEqual({ value: '{"a":1', chunks: null, cut: true })
    expect(read(null, { size: 900 })).toEqual({ value: null, chunks: null, cut: true })
    expect(read(null)).toEqual({ value: null, chunks: null, cut: false })
    const bomb = gzipSync(JSON.stringify({ text: 'a'.repeat(100_000) }))
    expect(read(bomb, { coding: 'gzip', limits: { bytes: 1_000 } })).toMatchObject({ cut: true })
  })

  it('is made of any bytes without failing', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('application/json', 'text/event-stream', 'application/x-ndjson', 'image/png', ''),
        fc.constantFrom('', 'gzip', 'br', 'gzip, zstd, br'),
        (bytes, type, coding) => {
          const { value, chunks } = read(bytes, { type, coding })
          expect(() => JSON.stringify({ value, chunks })).not.toThrow()
        },
      ),
      { numRuns: 400 },
    )
  })
})

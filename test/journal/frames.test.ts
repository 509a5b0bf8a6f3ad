import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Batch } from '../../src/journal/batch.ts'
import { decodeFrame, findFrame, maxPayloadBytes } from '../../src/journal/frames.ts'

const salt = 0x5eed5eed
const exchange = fc.integer({ min: 0, max: 0xffffffff })
const json = fc.record({ type: fc.constantFrom('open', 'head', 'close'), exchange, text: fc.json() })
const data = fc.record({
  type: fc.constant('data'),
  exchange,
  side: fc.constantFrom('request', 'response'),
  offset: fc.nat({ max: 2 ** 50 }),
  atMs: fc.double({ noNaN: true }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 3000 }),
})

it('reads back what was written, whatever it was and however the reading was cut', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(json, data), { maxLength: 30 }), fc.nat(), (frames, cut) => {
      const all = encode(frames)
      const end = all.length === 0 ? 0 : cut % (all.length + 1)
      let at = 0
      let count = 0
      for (;;) {
        const decoded = decodeFrame(all, at, end, salt)
        if (decoded.kind === 'more') {
          expect(decoded.bytes).toBeGreaterThan(end - at)
          break
        }
        if (decoded.kind === 'corrupt') throw new Error(`no frame at ${at}`)
        const wanted = frames[count++]!
        const { type, payload, ...rest } = decoded.frame
        expect([type, rest.exchange]).toEqual([wanted.type, wanted.exchange])
        if ('text' in wanted) expect(payload.toString()).toBe(wanted.text)
        else {
          expect(rest).toMatchObject({ side: wanted.side, offset: wanted.offset })
          expect(Object.is(rest.atMs, wanted.atMs)).toBe(true)
          expect(Buffer.compare(payload, wanted.bytes)).toBe(0)
        }
        at += decoded.bytes
      }
      if (end === all.length) expect(count).toBe(frames.length)
    }),
    { numRuns: 300 },
  )
})

it('splits bytes that are longer than a frame may be', () => {
  const bytes = Buffer.alloc(maxPayloadBytes * 2 + 7, 'abc')
  const batch = new Batch(salt)
  batch.data(7, 'response', 100, 1, bytes)
  const all = Buffer.concat(batch.finished())
  expect(batch.bytes).toBe(all.length)
  const back: Buffer[] = []
  let offset = 100
  for (let at = 0; at < all.length; ) {
    const decoded = decodeFrame(all, at, all.length, salt)
    if (decoded.kind !== 'frame') throw new Error(`no frame at ${at}`)
    expect(decoded.frame.offset).toBe(offset)
    back.push(decoded.frame.payload)
    offset += decoded.frame.payload.length
    at += decoded.bytes
  }
  expect(Buffer.concat(back).equals(bytes)).toBe(true)
})

it('takes no bytes that a client sent for a frame', () => {
  const hostile = new Batch(0) // whoever sends this does not know the salt
  hostile.json('open', 1, '{"id":"forged"}')
  hostile.json('close', 1, '{}')
  const batch = new Batch(salt)
  batch.data(5, 'request', 0, 1, Buffer.concat(hostile.finished()))
  batch.json('close', 5, '{}')
  const all = Buffer.concat(batch.finished())
  all[20]! ^= 1 // the frame around it is damaged, so the search goes through its bytes
  expect(decodeFrame(all, 0, all.length, salt).kind).toBe('corrupt')
  const found = findFrame(all, 1, all.length, salt)
  expect(found.decoded).toMatchObject({ kind: 'frame', frame: { type: 'close', exchange: 5 } })
})

it('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 40 }), (noise, at) => {
      const bytes = Buffer.from(noise)
      bytes.set([0xf5, 0xc7, 3, 1].slice(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length))
      decodeFrame(bytes, Math.min(at, bytes.length), bytes.length, salt)
      findFrame(bytes, 0, bytes.length, salt)
    }),
  )
})

function encode(frames: readonly { type: string }[]): Buffer {
  const batch = new Batch(salt)
  for (const frame of frames as (Json | Data)[]) {
    if ('text' in frame) batch.json(frame.type, frame.exchange, frame.text)
    else batch.data(frame.exchange, frame.side, frame.offset, frame.atMs, frame.bytes)
  }
  return Buffer.concat(batch.finished())
}

interface Json {
  type: 'open' | 'head' | 'close'
  exchange: number
  text: string
}

interface Data {
  exchange: number
  side: 'request' | 'response'
  offset: number
  atMs: number
  bytes: Uint8Array
}

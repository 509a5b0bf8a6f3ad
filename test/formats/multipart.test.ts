import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formBody, formBoundary, readForm } from '../../src/formats/framing/multipart.ts'
import type { Piece } from '../../src/records/exchange.ts'
import { cutAt, cutInto } from '../contract/format-sample.ts'

const line = '\r\n'
const field = (name: string, value: string): string =>
  `--b0${line}Content-Disposition: form-data; name="${name}"${line}${line}${value}${line}`
const file = (name: string, content: string, type = 'audio/wav'): string =>
  `--b0${line}content-type: ${type}${line}CONTENT-DISPOSITION: form-data; name="${name}"; filename="a \\"b\\".wav"${line}${line}${content}${line}`
const end = `--b0--${line}`
const bytes = (...parts: string[]): Buffer => Buffer.from(parts.join(''), 'latin1')
const read = (body: Buffer) => readForm(cutInto(body, body.length), 'b0')

const whole = bytes(
  field('prompt', 'Sea'),
  file('file', 'RIFF\r\n--b0\r\nx--b\0\xff'),
  field('model', 'whisper-1'),
  end,
)

describe('a form', () => {
  it.each([
    ['multipart/form-data; boundary=b0', 'b0'],
    ['Multipart/Form-Data; charset=utf-8; Boundary="b 0"', 'b 0'],
    ['multipart/form-data', null],
    ['multipart/mixed; boundary=b0', null],
    ['application/json', null],
    [null, null],
  ])('of type %j has the boundary %j', (type, boundary) => {
    expect(formBoundary(type)).toBe(boundary)
  })

  it('gives its fields and the facts of its files, in any order', () => {
    const { parts, complete } = read(
      bytes(file('file', 'RIFF1234'), field('model', 'whisper-1'), field('stream', 'true'), end),
    )
    expect(complete).toBe(true)
    expect(parts).toEqual([
      { name: 'file', file: { name: 'a "b".wav', type: 'audio/wav', bytes: 8 }, text: '' },
      { name: 'model', file: null, text: 'whisper-1' },
      { name: 'stream', file: null, text: 'true' },
    ])
  })

  it('is the same wherever it is cut', () => {
    const expected = readForm([{ offset: 0, atMs: 0, bytes: whole }], 'b0')
    expect(expected.parts.map(({ name }) => name)).toContain('model')
    for (let place = 1; place < whole.length; place++) expect(readForm(cutAt(whole, place), 'b0')).toEqual(expected)
    expect(readForm(cutInto(whole, 1), 'b0')).toEqual(expected)
  })

  it('may have text before it, bare line ends, and characters outside ASCII', () => {
    const text = `preamble\n--b0\nContent-Disposition: form-data; name=prompt\n\nMeer é\n--b0--`
    expect(readForm([{ offset: 0, atMs: 0, bytes: Buffer.from(text) }], 'b0').parts).toEqual([
      { name: 'prompt', file: null, text: 'Meer é' },
    ])
  })

  it('whose middle is missing still tells the fields behind it, and how long the file was', () => {
    const head = bytes(field('prompt', 'Sea'), file('file', 'RIFF')).subarray(0, -2)
    const tail = bytes('0123\r\n', field('model', 'whisper-1'), end)
    const pieces: Piece[] = [
      { offset: 0, atMs: 0, bytes: head },
      { offset: 90_000_000, atMs: 1, bytes: tail },
    ]
    const fileStart = head.length - 4
    expect(readForm(pieces, 'b0')).toEqual({
      complete: true,
      parts: [
        { name: 'prompt', file: null, text: 'Sea' },
        { name: 'file', file: { name: 'a "b".wav', type: 'audio/wav', bytes: 90_000_004 - fileStart }, text: '' },
        { name: 'model', file: null, text: 'whisper-1' },
      ],
    })
  })

  it('that breaks off tells the parts that are whole', () => {
    const { parts, complete } = read(
      bytes(field('model', 'whisper-1'), '--b0\r\nContent-Disposition: form-data; name="x"\r\n\r\nhal'),
    )
    expect([complete, parts.map(({ name }) => name)]).toEqual([false, ['model']])
  })

  it('makes a list of names that repeat or end in brackets', () => {
    const { parts } = read(
      bytes(field('include[]', 'logprobs'), field('x', '1'), field('x', '2'), field('__proto__', 'p'), end),
    )
    const body = formBody({ parts, complete: true })
    expect(body).toEqual({ include: ['logprobs'], x: ['1', '2'], ['__proto__']: 'p' })
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
  })

  it('of any bytes harms nobody', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom('--b0', '\r\n', '\n', '\r\n\r\n', '--', 'name="x"', 'Content-Disposition: form-data; '),
            fc.string(),
          ),
          { maxLength: 30 },
        ),
        (parts) => {
          const body = Buffer.from(parts.join(''))
          const form = readForm(cutInto(body, 5), 'b0')
          expect(form.parts.length).toBeLessThan(31)
          expect(() => formBody(form)).not.toThrow()
        },
      ),
    )
  })

  it('with thousands of parts costs no more than a thousand', () => {
    expect(read(bytes(...Array.from({ length: 5000 }, (_, index) => field(`f${index}`, 'x')), end)).parts).toHaveLength(
      1024,
    )
  })
})

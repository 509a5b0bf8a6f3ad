import { expect, it } from 'vitest'
import { audioSeconds } from '../../src/formats/audio-length.ts'
import { imageSize } from '../../src/formats/image-size.ts'
import { imageFrom } from '../../src/formats/request-text.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const jpeg = (...segments: string[]): Buffer => latin1(`\xff\xd8${segments.join('')}`)
const frame = '\xff\xc2\0\x11\x08\x01\x2c\x02\x58\x03'
const notes = `\xff\xe1${String.fromCharCode(0x80, 0x02)}${'x'.repeat(0x8000)}`

it.each([
  ['PNG', latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x58\0\0\x01\x2c\x08\x06')],
  ['GIF', latin1('GIF89a\x58\x02\x2c\x01')],
  ['JPEG', jpeg('\xff\xe0\0\x04ab', frame)],
  ['JPEG behind a camera’s notes', jpeg(notes, frame)],
  ['JPEG with fill bytes and restarts', jpeg('\xff\xff\xd0', frame)],
  ['JPEG whose tables come first', jpeg('\xff\xc4\0\x02', frame)],
  ['lossy WebP', latin1('RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x58\x02\x2c\x01')],
  [
    'lossless WebP',
    Buffer.concat([
      latin1('RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f'),
      Buffer.from(new Uint32Array([599 | (299 << 14)]).buffer),
    ]),
  ],
  ['WebP with more', latin1('RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x57\x02\0\x2b\x01\0')],
])('reads the size of a %s, and of no beginning of one that lacks it', (_form, bytes) => {
  const size = { width: 600, height: 300 }
  expect(imageSize(bytes)).toEqual(size)
  for (let length = 0; length < bytes.length; length++) {
    const found = imageSize(bytes.subarray(0, length))
    if (found !== null) expect(found).toEqual(size)
  }
})

it.each([
  ['nothing', ''],
  ['text', 'hello'],
  ['a PNG without pixels', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0'],
  ['a JPEG that is none', '\xff\xd8hello world'],
  ['a JPEG that never frames anything', `\xff\xd8${'\xff\xd0'.repeat(1000)}`],
  ['another RIFF', 'RIFF\0\0\0\0WEBPXXXX\0\0\0\0'],
])('knows no size of %s', (_what, bytes) => {
  expect(imageSize(latin1(bytes))).toBeNull()
})

it('tells pixels of an image that was sent along, and not of a link', () => {
  const png = latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x58\0\0\x01\x2c').toString('base64')
  expect(imageFrom(`data:image/png;base64,${png}`, 'low')).toEqual({
    bytes: 24,
    detail: 'low',
    url: false,
    width: 600,
    height: 300,
  })
  expect(imageFrom(png)).toMatchObject({ width: 600 })
  expect(imageFrom('https://x.test/a.png')).toEqual({ bytes: null, detail: null, url: true })
  expect(imageFrom('data:image/png;base64,aGVsbG8=')).toEqual({ bytes: 5, detail: null, url: false })
})

it('tells the length of a WAV by its head, of an MP3 by what is usual, and of nothing else', () => {
  const wave = latin1('RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0')
  expect(audioSeconds(wave, 96_000)).toBe(3)
  expect(audioSeconds(wave.subarray(0, 20), 96_000)).toBeNull()
  expect(audioSeconds(latin1('ID3\x04'), 32_000)).toBe(2)
  expect(audioSeconds(latin1('\xff\xfb\x90'), 32_000)).toBe(2)
  expect(audioSeconds(latin1('OggS'), 32_000)).toBeNull()
})

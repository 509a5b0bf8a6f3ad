export interface ImageSize {
  width: number
  height: number
}

/** Pixels of a PNG, JPEG, GIF or WebP, from its first bytes; null when they do not tell. */
export function imageSize(bytes: Buffer): ImageSize | null {
  const form = forms.find(({ begins }) => begins(bytes))
  if (!form) return null
  try {
    const size = form.read(bytes)
    return size && size.width > 0 && size.height > 0 ? size : null
  } catch (error) {
    // the bytes end before the size
    if (error instanceof RangeError) return null
    throw error
  }
}

interface Form {
  begins(bytes: Buffer): boolean
  /** Throws a RangeError where the bytes end too early. */
  read(bytes: Buffer): ImageSize | null
}

const text = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to)

const forms: readonly Form[] = [
  {
    begins: (bytes) => text(bytes, 0, 8) === '\x89PNG\r\n\x1a\n',
    read: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
  },
  {
    begins: (bytes) => text(bytes, 0, 4) === 'GIF8',
    read: (bytes) => ({ width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) }),
  },
  { begins: (bytes) => text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP', read: webp },
  { begins: (bytes) => bytes[0] === 0xff && bytes[1] === 0xd8, read: jpeg },
]

/** RFC 9649 §2.4 to 2.7. */
function webp(bytes: Buffer): ImageSize | null {
  const chunk = text(bytes, 12, 16)
  if (chunk === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }
  if (chunk === 'VP8 ') return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }
  if (chunk !== 'VP8L') return null
  const packed = bytes.readUInt32LE(21)
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 }
}

/** Segments follow each other; the size stands in the one that begins a frame (ITU T.81, B.2.2). */
function jpeg(bytes: Buffer): ImageSize | null {
  let at = 2
  for (;;) {
    if (bytes.readUInt8(at) !== 0xff) return null
    const marker = bytes.readUInt8(at + 1)
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) }
    else at += 2 + bytes.readUInt16BE(at + 2)
  }
}

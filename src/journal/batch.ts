import { dataHeaderBytes, type FrameType, headerBytes, maxPayloadBytes, sealData, sealFrame } from './frames.ts'
import type { Waiting } from './waiting.ts'

/**
 * The frames that one write takes, as a list of buffers for `writev`. Headers, JSON and short pieces are laid one after the
 * other into a slab that is used again after the write; long pieces are taken by reference.
 */
export class Batch {
  parts: Uint8Array[] = []
  bytes = 0
  /** In the order of their frames. */
  callbacks: Waiting[] = []
  /** When the oldest callback began to wait. */
  sinceMs = 0
  #salt: number
  #slab: Buffer
  #begin = 0
  #used = 0

  constructor(salt: number) {
    this.#salt = salt
    this.#slab = Buffer.allocUnsafeSlow(slabBytes)
  }

  json(type: FrameType, exchange: number, text: string) {
    this.#room(headerBytes + text.length * 3)
    const at = this.#used
    const length = this.#slab.write(text, at + headerBytes)
    if (length > maxPayloadBytes) throw new RangeError(`${type} of exchange ${exchange}: ${length} bytes of JSON`)
    sealFrame(this.#slab, at, type, exchange, length, this.#salt)
    this.#used = at + headerBytes + length
    this.bytes += headerBytes + length
  }

  data(exchange: number, side: 'request' | 'response', offset: number, atMs: number, bytes: Uint8Array) {
    for (let from = 0; from < bytes.length; from += splitBytes) {
      const piece = bytes.length > splitBytes ? bytes.subarray(from, from + splitBytes) : bytes
      const copied = piece.length <= copyBytes
      this.#room(dataHeaderBytes + (copied ? piece.length : 0))
      const at = this.#used
      if (copied) this.#slab.set(piece, at + dataHeaderBytes)
      sealData(this.#slab, at, exchange, side, offset + from, atMs, piece, this.#salt, copied)
      this.#used += dataHeaderBytes
      if (copied) this.#used += piece.length
      else {
        this.#endRun()
        this.parts.push(piece)
      }
      this.bytes += dataHeaderBytes + piece.length
    }
  }

  /** The buffers to write. No frames may be added until `reset`. */
  finished(): Uint8Array[] {
    this.#endRun()
    return this.parts
  }

  /** Everything was written: the same memory serves again. */
  reset() {
    this.parts = []
    this.callbacks = []
    this.bytes = 0
    this.#begin = 0
    this.#used = 0
  }

  #room(bytes: number) {
    if (this.#used + bytes <= this.#slab.length) return
    this.#endRun()
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes))
    this.#begin = 0
    this.#used = 0
  }

  #endRun() {
    if (this.#used > this.#begin) this.parts.push(this.#slab.subarray(this.#begin, this.#used))
    this.#begin = this.#used
  }
}

const slabBytes = 64 * 1024
/** Up to here a copy costs less than one more buffer in the write. */
const copyBytes = 1024
const splitBytes = 1024 * 1024

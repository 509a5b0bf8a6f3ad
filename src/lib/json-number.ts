/** How far a JSON number has been read (RFC 8259 §6). */
export type NumberState = (typeof states)[keyof typeof states]

const states = { minus: 0, zero: 1, whole: 2, point: 3, fraction: 4, exponent: 5, sign: 6, power: 7 } as const

/** After a number's first byte: a digit or the minus. */
export const beginNumber = (byte: number): NumberState =>
  byte === 0x2d ? states.minus : byte === 0x30 ? states.zero : states.whole

/** After one more byte; null when that byte is no part of the number. */
export function continueNumber(state: NumberState, byte: number): NumberState | null {
  const digit = isDigit(byte)
  const isExponent = byte === 0x65 || byte === 0x45
  switch (state) {
    case states.minus:
      return digit ? beginNumber(byte) : null
    case states.zero:
    case states.whole:
      if (digit) return state === states.whole ? states.whole : null
      return byte === 0x2e ? states.point : isExponent ? states.exponent : null
    case states.point:
      return digit ? states.fraction : null
    case states.fraction:
      return digit ? states.fraction : isExponent ? states.exponent : null
    case states.exponent:
      return digit ? states.power : byte === 0x2b || byte === 0x2d ? states.sign : null
    case states.sign:
    case states.power:
      return digit ? states.power : null
  }
}

/** It may end here. */
export const isWholeNumber = (state: NumberState): boolean =>
  state === states.zero || state === states.whole || state === states.fraction || state === states.power

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

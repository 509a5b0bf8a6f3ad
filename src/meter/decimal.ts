/** Decimal text as a whole number of 10⁻ᵖˡᵃᶜᵉˢ. Throws for text that is no decimal or has more places than that. */
export function scaled(text: string, places: number): bigint {
  const parts = decimal.exec(text)
  if (!parts) throw new Error(`${text}: no decimal number`)
  const [, sign, whole = '', fraction = ''] = parts
  if (fraction.length > places) throw new Error(`${text}: more than ${places} decimal places`)
  const value = BigInt(whole + fraction.padEnd(places, '0'))
  return sign === '-' ? -value : value
}

/** Decimal text with any number of places, rounded half up to a whole number of 10⁻ᵖˡᵃᶜᵉˢ. */
export function scaledRounded(text: string, places: number): bigint {
  const fraction = text.split('.')[1]?.length ?? 0
  if (fraction <= places) return scaled(text, places)
  return divideRounded(scaled(text, fraction), 10n ** BigInt(fraction - places))
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?$/

/** The quotient, rounded half up; the divisor is positive. */
export function divideRounded(value: bigint, divisor: bigint): bigint {
  const doubled = 2n * value + divisor
  const quotient = doubled / (2n * divisor)
  return doubled < 0n && doubled % (2n * divisor) !== 0n ? quotient - 1n : quotient
}

/** A number as decimal text without exponent, to at most twelve places; exact for whole numbers. */
export const decimalOf = (value: number): string =>
  Number.isSafeInteger(value) ? String(value) : trimmed(value.toFixed(12))

/** Whole 10⁻ᵖˡᵃᶜᵉˢ as decimal text with exactly that many places. */
export function decimalText(value: bigint, places: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(places + 1, '0')
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
  return value < 0n ? `-${text}` : text
}

/** Without the zeros that say nothing. */
export const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)

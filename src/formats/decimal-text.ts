/** A number of at least zero as decimal text without exponent, or null. `1.2e-7` becomes `0.00000012`. */
export function decimalText(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  const match = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i.exec(text)
  if (!match) return null
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const place = Math.max(1, point)
  const integer = padded.slice(0, place).replace(/^0+(?=\d)/, '')
  const rest = padded.slice(place).replace(/0+$/, '')
  return rest === '' ? integer : `${integer}.${rest}`
}

/** A value as compact JSON; empty where it cannot be written (nested deeper than the stack). */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}

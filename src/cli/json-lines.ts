import { parseJson } from '../records/json.ts'

/** Beyond it lines are not moved in any further. */
const deepest = 40

/**
 * JSON in lines for reading; the text itself where it is no JSON of more than one value. It is cut into lines as it was written:
 * a number keeps all its digits, a name that stands there twice stays twice.
 */
export function jsonLines(text: string): string {
  if (!/^\s*[{[]/.test(text) || parseJson(text) === null) return text
  let lines = ''
  let depth = 0
  let opened = false
  const line = () => `\n${'  '.repeat(Math.min(depth, deepest))}`
  for (const [token] of text.matchAll(tokens)) {
    const closes = token === '}' || token === ']'
    if (closes) depth--
    if (opened !== closes && (opened || closes)) lines += line()
    lines += look[token] ?? (token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token)
    opened = token === '{' || token === '['
    if (opened) depth++
    if (token === ',') lines += line()
  }
  return lines
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g
const look: Readonly<Record<string, string>> = { ':': ': ' }

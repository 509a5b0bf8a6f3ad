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
  for (const token of tokensOf(text)) {
    const closes = token === '}' || token === ']'
    if (closes) depth--
    if (opened !== closes) lines += line()
    lines += token === ':' ? ': ' : token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token
    opened = token === '{' || token === '['
    if (opened) depth++
    if (token === ',') lines += line()
  }
  return lines
}

/** What stands in valid JSON, one after the other, without the spaces between. */
function* tokensOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text[at] === '"' ? endOfString(text, at) : endOfOther(text, at)
    if (!/^\s/.test(text[at]!)) yield text.slice(at, end)
    at = end
  }
}

/** A loop, for a pattern would need a place on the stack for each character with a backslash. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

const single = /[\s{}[\]:,]/
const notOther = /[\s{}[\]:,"]/g

function endOfOther(text: string, start: number): number {
  if (single.test(text[start]!)) return start + 1
  notOther.lastIndex = start
  return notOther.exec(text)?.index ?? text.length
}

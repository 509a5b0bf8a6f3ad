import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, Scalar } from 'yaml'
import { nearest } from '../lib/nearest.ts'
import { arrayAt, isObject, type JsonObject, stringAt } from '../records/json.ts'

/**
 * A price file as an object whose numbers are decimal text: a binary double would no longer be the price that was written.
 * JSON begins with a brace; anything else is YAML, where `schema` may be left out. Throws for a text that is no price file.
 */
export function readPriceFile(name: string, text: string): JsonObject {
  let file: unknown
  const byHand = !text.trimStart().startsWith('{')
  try {
    file = byHand ? readYaml(text) : readJson(text)
    for (const entry of [...arrayAt(file, 'models'), ...arrayAt(file, 'rules')].filter(isObject)) {
      const model = stringAt(entry, 'model') ?? stringAt(entry, 'match') ?? 'an entry'
      checkPrices(entry, model)
      if (byHand) checkNames(entry, model)
    }
  } catch (cause) {
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if (!isObject(file) || file.schema !== '1') throw new Error(`${name}: no price file of schema 1`)
  return file
}

const plainDecimal = /^\d+(\.\d{1,12})?$/

function decimal(key: string, source: string): string {
  if (!plainDecimal.test(source)) throw new Error(`${key}: ${source}: wants a plain decimal of at most 12 places`)
  return source
}

/** ECMAScript's JSON.parse source text access. */
type ExactReviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver: ExactReviver) => unknown

const readJson = (text: string): unknown =>
  parse(text, (key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? decimal(key, source) : value,
  )

/** Failsafe: each value stays the text that was written, so no number passes through a double. */
function readYaml(text: string): unknown {
  const document = parseDocument(text, { schema: 'failsafe', prettyErrors: true })
  const [error] = document.errors
  if (error) throw new Error(error.message.split('\n')[0]!.replace(/:$/, ''))
  const read = (given: unknown, key: string, depth: number): unknown => {
    const node = isAlias(given) ? given.resolve(document) : (given as Node | null)
    if (depth > 8) throw new Error(`${key}: nested too deep`)
    if (isSeq(node)) return node.items.map((item) => read(item, key, depth + 1))
    if (isMap(node))
      return Object.fromEntries(
        node.items.map((pair): [string, unknown] => {
          const name = isScalar(pair.key) ? String(pair.key.value) : ''
          return [name, read(pair.value, name, depth + 1)]
        }),
      )
    return isScalar(node) ? scalar(node, key) : null
  }
  const file = read(document.contents, '', 0)
  if (file === null) return { schema: '1' }
  return isObject(file) && file.schema === undefined ? { ...file, schema: '1' } : file
}

const yamlNumber = /^[-+]?(\.\d+|\d+(\.\d*)?)(e[-+]?\d+)?$/i

function scalar(node: Scalar, key: string): string | null {
  const text = String(node.value ?? '')
  const plain = node.type === Scalar.PLAIN || node.type === undefined
  if (plain && ['', 'null', '~'].includes(text)) return null
  return plain && yamlNumber.test(text) ? decimal(key, text) : text
}

const priceName =
  /^(input|output|cached_((audio|image)_)?input|cache_write(_1h|_12h)?|reasoning_output|citation_input|(audio|image|video)_(in|out)put|batch_(in|out)put|per_[a-z_]+|web_search)$/

/** What is named like a price is one, or a table of them, or nothing. */
function checkPrices(fields: JsonObject, model: string): void {
  for (const [name, value] of Object.entries(fields)) {
    if (!priceName.test(name)) {
      for (const inner of Array.isArray(value) ? value : [value]) if (isObject(inner)) checkPrices(inner, model)
      continue
    }
    for (const price of isObject(value) ? Object.values(value) : [value])
      if (price !== null && (typeof price !== 'string' || !plainDecimal.test(price)))
        throw new Error(`${model}: ${name}: ${JSON.stringify(price)}: wants a plain decimal of at most 12 places`)
  }
}

/** Other fields of an entry, beside those that are named like prices. */
const otherNames = [
  ...['provider', 'model', 'match', 'except', 'aliases', 'mode', 'note', 'sources', 'deprecated', 'tokenizer'],
  ...['context_window', 'max_input', 'max_output', 'tiers', 'off_peak', 'changes', 'history', 'multipliers'],
  ...['priority', 'flex', 'ultrafast'],
]
const someNames = [...otherNames, 'input', 'output', 'cached_input', 'cache_write', 'web_search']

/** Who writes by hand also mistypes, and a price under a wrong name would be none. */
function checkNames(fields: JsonObject, model: string): void {
  for (const name of Object.keys(fields)) {
    if (priceName.test(name) || otherNames.includes(name)) continue
    const near = nearest(name, someNames)
    throw new Error(`${model}: ${name}: no such field${near ? `; did you mean ${near}?` : ''}`)
  }
}

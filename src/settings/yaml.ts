import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from 'yaml'

/** A YAML file as texts with their places, so that a wrong value can be shown as it was written. */
export type Node = TextNode | ListNode | MapNode | UnsetNode

export interface TextNode {
  readonly kind: 'text'
  readonly text: string
  readonly line: number
}
export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly Node[]
  readonly line: number
}
export interface MapNode {
  readonly kind: 'map'
  readonly entries: readonly Entry[]
  readonly line: number
}
/** Nothing, `null` or `~`: the same as not saying it. */
export interface UnsetNode {
  readonly kind: 'unset'
  readonly line: number
}
export interface Entry {
  readonly name: string
  readonly line: number
  readonly value: Node
}

/** Reads the text of a file; `problem` receives each thing that is no YAML, with its line. */
export function readYaml(source: string, problem: (line: number, message: string) => void): MapNode {
  const lines = new LineCounter()
  // failsafe: every value stays the text that was written; a key fingerprint of digits is no number
  const document = parseDocument(source, { lineCounter: lines, schema: 'failsafe', prettyErrors: false })
  const empty: MapNode = { kind: 'map', entries: [], line: 1 }
  for (const error of document.errors) problem(lines.linePos(error.pos[0]).line, sentence(error.message))
  if (document.errors.length > 0) return empty

  const lineOf = (node: unknown): number => {
    const range = (node as { range?: readonly [number, number, number] | null } | null)?.range
    return range ? lines.linePos(range[0]).line : 1
  }
  const read = (given: unknown, depth: number): Node => {
    const node = isAlias(given) ? given.resolve(document) : given
    const line = lineOf(given)
    if (depth > 12) problem(line, 'is nested deeper than any setting')
    else if (isMap(node)) {
      const entries = node.items.map((pair): Entry => {
        const name = isScalar(pair.key) ? String(pair.key.value) : ''
        if (!isScalar(pair.key)) problem(lineOf(pair.key), 'a name must be a plain word')
        return { name, line: lineOf(pair.key), value: read(pair.value, depth + 1) }
      })
      return { kind: 'map', entries, line }
    } else if (isSeq(node)) {
      return { kind: 'list', items: node.items.map((item) => read(item, depth + 1)), line }
    } else if (isScalar(node)) {
      const text = String(node.value ?? '')
      const plain = node.type === Scalar.PLAIN || node.type === undefined
      return plain && ['', 'null', '~'].includes(text) ? { kind: 'unset', line } : { kind: 'text', text, line }
    }
    return { kind: 'unset', line }
  }
  const root = read(document.contents, 0)
  if (root.kind === 'map') return root
  if (root.kind !== 'unset') problem(root.line, 'the file must be a list of `name: value` lines')
  return empty
}

const sentence = (message: string) => message.split('\n')[0]!.replace(/\s+at line \d+, column \d+:?$/, '')

import { arrayAt, at, isObject, stringAt } from '../../records/json.ts'

const limits = { pieces: 100_000, containers: 256, items: 1000, characters: 1 << 20 }

/**
 * Arguments of a function call that come in pieces, each for one place in the object (`$.city`, `$.stops[0].name`). Texts of
 * one place are joined, other values replace each other.
 */
export class PartialArguments {
  readonly #root: Container = {}
  #pieces = 0
  #containers = 0
  #characters = 0

  add(parts: unknown): void {
    for (const part of arrayAt(parts)) {
      const path = stepsOf(stringAt(part, 'jsonPath') ?? '')
      if (path.length === 0 || this.#pieces++ >= limits.pieces) continue
      const text = stringAt(part, 'stringValue')
      this.#characters += text?.length ?? 0
      if (text === null) this.#put(path, () => scalarOf(part))
      else if (this.#characters <= limits.characters)
        this.#put(path, (known) => (typeof known === 'string' ? known + text : text))
    }
  }

  get value(): object {
    return this.#root
  }

  #put(path: readonly Step[], change: (known: unknown) => unknown): void {
    let here = this.#root
    for (const [place, step] of path.entries()) {
      if (Array.isArray(here) && typeof step !== 'number') return
      const next = path[place + 1]
      const known = at(here, step)
      const inner = next === undefined ? null : isContainer(known) ? known : this.#container(next)
      if (inner === undefined) return
      // a key may be `__proto__`
      Object.defineProperty(here, step, { value: inner ?? change(known), ...plain })
      if (inner === null) return
      here = inner
    }
  }

  #container(firstKey: Step): Container | undefined {
    if (this.#containers++ >= limits.containers) return undefined
    return typeof firstKey === 'number' ? [] : {}
  }
}

type Step = string | number
type Container = Record<string, unknown> | unknown[]

const plain = { enumerable: true, configurable: true, writable: true } as const
const isContainer = (value: unknown): value is Container => isObject(value) || Array.isArray(value)

function scalarOf(part: unknown): unknown {
  const names = ['numberValue', 'boolValue'] as const
  return names.map((name) => at(part, name)).find((value) => value !== undefined) ?? null
}

/** The part of RFC 9535 that names one place: `$.a['b'][0]`. Anything else is no place. */
function stepsOf(path: string): readonly Step[] {
  if (!/^\$(\.[^.[\]]+|\[\d{1,6}\]|\['[^']*'\]|\["[^"]*"\])*$/.test(path)) return []
  return [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/g)].map(
    ([, name, index, quoted, twice]) =>
      index === undefined ? (name ?? quoted ?? twice ?? '') : Math.min(Number(index), limits.items),
  )
}

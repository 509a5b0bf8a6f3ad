import type { Provider } from '../records/provider.ts'
import { knownEntries, type SettingsFile } from './file.ts'
import type { Parser } from './parsers.ts'
import type { Problems } from './problems.ts'
import type { Entry, Node } from './yaml.ts'

export interface SectionSources {
  readonly file: SettingsFile
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly providers: readonly Pick<Provider, 'id' | 'baseUrl'>[]
  readonly problems: Problems
  readonly provenance: Map<string, string>
  readonly warnings: string[]
}

/** What one entry of a section may say: a parser for each name. */
export type Fields<Value> = {
  readonly [Name in keyof Value]-?: Parser<NonNullable<Value[Name]>> & { as?: string }
}

/** Reads the named values of one entry; what is wrong is reported and left out. */
export function readFields<Value extends object>(
  node: Node,
  path: string,
  wanted: Fields<Value>,
  { file, problems }: Pick<SectionSources, 'file' | 'problems'>,
): Partial<Value> {
  const result: Partial<Value> = {}
  if (node.kind === 'unset') return result
  const names = Object.keys(wanted) as (keyof Value & string)[]
  const yamlNames = new Map(names.map((name) => [wanted[name].as ?? name, name]))
  if (node.kind !== 'map') {
    problems.about(path, file.place(node), `wants settings of its own: ${[...yamlNames.keys()].join(', ')}`)
    return result
  }
  for (const [yamlName, entry] of knownEntries(node, path, [...yamlNames.keys()], file, problems)) {
    const name = yamlNames.get(yamlName)!
    const value = readText(entry, `${path}.${yamlName}`, wanted[name], { file, problems })
    if (value !== undefined) result[name] = value
  }
  return result
}

function readText<Value>(
  entry: Entry,
  path: string,
  parser: Parser<Value>,
  { file, problems }: Pick<SectionSources, 'file' | 'problems'>,
): Value | undefined {
  if (entry.value.kind === 'unset') return undefined
  const value = entry.value.kind === 'text' ? parser.read(entry.value.text) : undefined
  if (value === undefined) {
    const shown = entry.value.kind === 'text' ? entry.value.text : `a ${entry.value.kind}`
    problems.value(path, shown, file.place(entry), parser.wants)
  }
  return value
}

/** The entries of a section that maps names to settings, each under its checked name. */
export function namedEntries(
  path: string,
  name: Parser<string>,
  { file, problems, provenance }: SectionSources,
): readonly { readonly id: string; readonly entry: Entry }[] {
  const node = file.find(path)
  if (node === null || node.kind === 'unset') return []
  if (node.kind !== 'map') {
    problems.about(path, file.place(node), 'wants names with settings of their own below them')
    return []
  }
  return node.entries.flatMap((entry, place, all) => {
    const id = name.read(entry.name)
    const origin = file.place(entry)
    if (id === undefined) problems.value(`${path}: name`, entry.name, origin, name.wants)
    else if (all.findIndex((other) => name.read(other.name) === id) < place) {
      problems.about(`${path}.${id}`, origin, 'is set twice')
    } else {
      provenance.set(`${path}.${id}`, origin)
      return [{ id, entry }]
    }
    return []
  })
}

export const providerWish = ({ providers }: Pick<SectionSources, 'providers'>) =>
  `a known provider: ${providers.map(({ id }) => id).join(', ')}`

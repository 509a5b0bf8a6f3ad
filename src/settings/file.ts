import { readFileSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import { nearest } from '../lib/nearest.ts'
import type { Problems } from './problems.ts'
import { type Entry, type MapNode, type Node, readYaml } from './yaml.ts'

/** The settings file, read once; asked for by path (`log.level`; an empty one is the whole). */
export interface SettingsFile {
  /** As shown to people; null without a file. */
  readonly name: string | null
  find(path: string): Node | null
  /** Where a value stands, for messages: `config/sightglass.yaml:12`. */
  place(node: { readonly line: number }): string
}

/** Reads the file, if there is one: the named one must exist, the usual one may. */
export function openFile(
  given: { readonly path: string; readonly origin: string } | null,
  cwd: string,
  problems: Problems,
): SettingsFile {
  const path = resolve(cwd, given?.path ?? usualFile)
  const name = shownPath(path, cwd)
  const source = readIfThere(path, given?.origin ?? null, name, problems)
  const root: MapNode =
    source === null
      ? { kind: 'map', entries: [], line: 1 }
      : readYaml(source, (line, message) => problems.about('settings file', `${name}:${line}`, message))
  return {
    name: source === null ? null : name,
    find: (wanted) => (wanted === '' ? root : find(root, wanted.split('.'))),
    place: ({ line }) => `${name}:${line}`,
  }
}

const usualFile = 'config/sightglass.yaml'

function readIfThere(path: string, origin: string | null, name: string, problems: Problems): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (origin === null && (code === 'ENOENT' || code === 'ENOTDIR')) return null
    problems.value('config', name, origin ?? 'default', `a file that can be read (${code})`)
    return null
  }
}

function shownPath(path: string, cwd: string): string {
  const near = relative(cwd, path)
  return near.startsWith('..') || isAbsolute(near) ? path : near
}

/** YAML names are `snake_case`; `onDisconnect` is read as `on_disconnect`. */
const plainName = (name: string): string =>
  /^[a-z]+(?:[A-Z][a-z0-9]*)+$/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name

function find(map: MapNode, names: readonly string[]): Node | null {
  const [first, ...rest] = names
  const entry = map.entries.find((one) => plainName(one.name) === first)
  if (!entry) return null
  if (rest.length === 0) return entry.value
  return entry.value.kind === 'map' ? find(entry.value, rest) : null
}

/** Reports names that mean nothing here, and names said twice. Returns the others by their plain name. */
export function knownEntries(
  map: MapNode,
  path: string,
  known: readonly string[],
  file: SettingsFile,
  problems: Problems,
): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>()
  for (const entry of map.entries) {
    const name = plainName(entry.name)
    const full = path ? `${path}.${entry.name}` : entry.name
    if (!known.includes(name)) {
      const near = nearest(name, known)
      const advice = near ? `did you mean ${path ? `${path}.` : ''}${near}?` : `known here: ${known.join(', ')}`
      problems.about(full, file.place(entry), `no such setting; ${advice}`)
    } else if (found.has(name)) problems.about(full, file.place(entry), 'is set twice')
    else found.set(name, entry)
  }
  return found
}

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SettingsFile } from './file.ts'
import type { Problems } from './problems.ts'
import type { Row } from './table.ts'
import type { Node } from './yaml.ts'

/** One value that somebody gave for a setting. */
export interface Given {
  readonly text: string
  /** The text as a message may show it. */
  readonly shown: string
  readonly origin: string
}

export interface Places {
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: SettingsFile
  readonly cwd: string
  readonly problems: Problems
}

/** Every value given for the setting, the one that counts first: flag, environment, settings file. */
export function candidates(row: Row<unknown>, places: Places): readonly Given[] {
  const { flags, env, file, problems } = places
  const found: Given[] = []
  const add = (text: string, origin: string) => found.push({ text, shown: row.secret ? '***' : text, origin })
  const addFile = (path: string, origin: string) => {
    const content = secretFile(path, row.path, origin, places)
    if (content !== null) add(content, `${origin}=${path}`)
  }

  if (row.flag !== null && flags[row.flag] !== undefined) add(flags[row.flag]!, `--${row.flag}`)

  for (const name of row.env) {
    const value = env[name]
    const path = row.secret ? env[`${name}_FILE`] : undefined
    if (value && path) problems.about(row.path, `${name} and ${name}_FILE`, 'set one of the two')
    if (value) add(value, name)
    if (path) addFile(path, `${name}_FILE`)
    const plainMs = row.isDuration ? env[`${name}_MS`] : undefined
    if (plainMs) add(/^\d+$/.test(plainMs.trim()) ? `${plainMs.trim()}ms` : plainMs, `${name}_MS`)
  }
  if (row.path === 'log.level' && meansYes(env.DEBUG)) add('debug', 'DEBUG')

  const node = file.find(row.path) ?? wholeSection(row.path, file)
  if (node) addNode(node, row, places, add)
  const pathNode = row.secret ? file.find(`${row.path}_file`) : null
  if (pathNode?.kind === 'text') addFile(pathNode.text, `${file.place(pathNode)}: ${row.path}_file`)
  else if (pathNode && pathNode.kind !== 'unset') {
    problems.about(`${row.path}_file`, file.place(pathNode), 'wants the path of a file')
  }
  return found
}

/** Other programs read DEBUG too, as a list of names: only a plain yes is ours. */
const meansYes = (value: string | undefined) => /^(?:1|true|yes|on)$/i.test(value?.trim() ?? '')

/** `capture: off` stands for both of its directions. */
function wholeSection(path: string, file: SettingsFile): Node | null {
  if (path !== 'capture.request' && path !== 'capture.response') return null
  const node = file.find('capture')
  return node?.kind === 'text' ? node : null
}

function addNode(
  node: Node,
  row: Row<unknown>,
  { file, problems }: Places,
  add: (text: string, origin: string) => void,
): void {
  if (node.kind === 'text') add(node.text, file.place(node))
  else if (node.kind === 'list' && node.items.every((item) => item.kind === 'text')) {
    add(node.items.map((item) => (item.kind === 'text' ? item.text : '')).join(','), file.place(node))
  } else if (node.kind !== 'unset') problems.about(row.path, file.place(node), `wants ${row.parse.wants}`)
}

function secretFile(path: string, setting: string, origin: string, { cwd, problems }: Places): string | null {
  try {
    return readFileSync(resolve(cwd, path), 'utf8').trim()
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    problems.value(setting, path, origin, `a file that can be read (${reason})`)
    return null
  }
}

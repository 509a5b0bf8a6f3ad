import type { LoadedSettings } from '../settings/load.ts'
import { withoutUser } from '../settings/problems.ts'
import type { Settings } from '../settings/settings.ts'
import { fields, type Row, type ScalarSettings, table } from '../settings/table.ts'
import type { Command } from './command.ts'
import { settingOptions } from './options.ts'
import { readSettings } from './settings.ts'
import { tableText } from './table.ts'
import { oneLine, unknown } from './text.ts'

export const config: Command = {
  details: `A flag counts more than an environment variable, that more than the settings file. Secrets are not shown.
What each setting does: docs/settings.md`,
  options: { json: { about: 'The answer as JSON.' }, ...settingOptions },
  async run(given, io) {
    const loaded = await readSettings(given, io)
    const shown = shownSettings(loaded)
    if (given.flag('json')) {
      const settings = Object.fromEntries(shown.map(({ path, value, from }) => [path, { value, from }]))
      io.out(`${JSON.stringify({ config_file: loaded.configFile, settings }, null, 2)}\n`)
    } else {
      io.out(
        tableText(
          [
            { head: 'Setting', text: ({ path }) => path },
            { head: 'Value', text: ({ text }) => oneLine(text), least: 12 },
            { head: 'From', text: ({ from }) => within(from, loaded.configFile), least: 12 },
          ],
          shown,
          io.width,
        ),
      )
      io.out(`\nSettings file: ${loaded.configFile ?? 'none'}\n`)
    }
    for (const warning of loaded.warnings) io.note(`${warning}\n`)
    return 0
  },
}

/** A place in the settings file is told by its line: the file stands below the table. */
const within = (from: string, file: string | null): string =>
  file === null ? from : from.replaceAll(`${file}:`, 'line ')

interface Shown {
  readonly path: string
  /** For programs: null when not set. */
  readonly value: unknown
  readonly text: string
  readonly from: string
}

function shownSettings({ settings, provenance }: LoadedSettings): readonly Shown[] {
  const rows = fields.map((field): Shown => {
    const row: Row<unknown> = table[field]
    const value = scalar(settings, field)
    const isSet = value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0)
    const text = !isSet ? unknown : row.secret ? '***' : withoutUser(row.parse.show(value))
    return { path: row.path, value: isSet ? text : null, text, from: provenance.get(row.path) ?? 'default' }
  })
  return [...rows, ...sections(settings, provenance)]
}

const scalar = (settings: Settings, field: keyof ScalarSettings): unknown =>
  ({ ...settings, ...settings.upstreamDefaults })[field]

function sections(settings: Settings, provenance: ReadonlyMap<string, string>): readonly Shown[] {
  const named = (section: string, entries: Readonly<Record<string, object>>) =>
    Object.entries(entries).map(([id, entry]): Shown => {
      const path = `${section}.${id}`
      const value = Object.fromEntries(
        Object.entries(entry).map(([name, part]) => [name, typeof part === 'string' ? withoutUser(part) : part]),
      )
      const from = [provenance.get(path), provenance.get(`${path}.url`)].filter(Boolean).join(', ')
      return { path, value, text: textOf(value), from }
    })
  const rules = settings.captureRules.map(
    (rule, place): Shown => ({
      path: `capture.rules[${place}]`,
      value: rule,
      text: textOf(rule),
      from: provenance.get('capture.rules') ?? '',
    }),
  )
  return [
    ...named('upstreams', settings.upstreams),
    ...rules,
    ...named('projects', settings.projects),
    ...named('keys', settings.keys),
  ]
}

const textOf = (entry: object): string =>
  Object.entries(entry)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

import { parseArgs } from 'node:util'
import { nearest } from '../lib/nearest.ts'
import { fields, table } from '../settings/table.ts'
import { UsageError } from './failure.ts'

export interface Option {
  /** Name of the value in the help; without one the option is a switch. */
  readonly value?: string
  readonly short?: string
  readonly about: string
}

export type Options = Readonly<Record<string, Option>>

/** Some of these options. */
export const only = (options: Options, ...names: readonly string[]): Options =>
  Object.fromEntries(names.map((name) => [name, options[name]!]))

/** What was given to a command. */
export interface Arguments {
  readonly operands: readonly string[]
  text(name: string): string | undefined
  flag(name: string): boolean
  /** Values of the options that are settings, by name. */
  readonly settings: Readonly<Record<string, string>>
}

/** Reads a command's words, or throws a `UsageError` that says what is wrong with them. */
export function readArguments(words: readonly string[], options: Options, operands: readonly string[]): Arguments {
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { value, short }]) => [
        name,
        { type: value ? ('string' as const) : ('boolean' as const), ...(short ? { short } : {}) },
      ]),
    ),
  })
  const values = new Map<string, string | true>()
  const found: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') found.push(token.value)
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    if (!option) throw new UsageError(unknownOption(token.rawName, options))
    if (values.has(token.name)) throw new UsageError(`${token.rawName} is given twice`)
    if (option.value === undefined && token.value !== undefined) {
      throw new UsageError(`${token.rawName} takes no value, and was given ${JSON.stringify(token.value)}`)
    }
    if (option.value !== undefined && (token.value === undefined || token.value === '')) {
      throw new UsageError(`${token.rawName} wants a value: ${token.rawName} ${option.value}`)
    }
    // `--from --json`: the next option was taken for the value
    if (token.value?.startsWith('--') && !token.inlineValue) {
      throw new UsageError(
        `${token.rawName} wants a value: ${token.rawName} ${option.value} (given was ${token.value})`,
      )
    }
    values.set(token.name, token.value ?? true)
  }
  const takesMore = operands.at(-1)?.endsWith('...') === true
  if (found.length > operands.length && !takesMore)
    throw new UsageError(`${JSON.stringify(found[operands.length])} is one word too many`)
  // those in brackets may be left out
  if (found.length < operands.filter((name) => !name.startsWith('[')).length && !values.has('help')) {
    throw new UsageError(`${operands[found.length]} is missing`)
  }
  return {
    operands: found,
    text: (name) => {
      const value = values.get(name)
      return typeof value === 'string' ? value : undefined
    },
    flag: (name) => values.get(name) === true,
    settings: Object.fromEntries(
      [...values].flatMap(([name, value]) => (Object.hasOwn(settingOptions, name) ? [[name, String(value)]] : [])),
    ),
  }
}

function unknownOption(raw: string, options: Options): string {
  const near = nearest(raw.replace(/^-+/, ''), Object.keys(options))
  return `${raw} is no option here${near ? `; did you mean --${near}?` : ''}`
}

/** The options that set something for this run, from the table of settings. */
export const settingOptions: Options = {
  config: { value: 'FILE', short: 'c', about: 'Settings file (config/sightglass.yaml).' },
  ...Object.fromEntries(
    fields.flatMap((field) => {
      const { flag, about, fallback } = table[field]
      const plain = about.replaceAll('`', '')
      const whole = fallback ? `${plain.replace(/\.$/, '')} (${fallback}).` : plain
      return flag === null ? [] : [[flag, { value: 'VALUE', about: whole }] as const]
    }),
  ),
}

/** Of those, the ones by which a question finds the records. */
export const placeOptions: Options = Object.fromEntries(
  Object.entries({
    host: 'Address the proxy listens on (127.0.0.1).',
    port: 'Port the proxy listens on (8484).',
    'data-dir': 'Directory the proxy keeps its records in (data).',
    config: settingOptions.config!.about,
  }).map(([name, about]) => [name, { ...settingOptions[name]!, about }]),
)

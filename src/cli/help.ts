import type { Command, CommandEntry } from './command.ts'
import type { Option } from './options.ts'

/** `sightglass --help`. */
export function generalHelp(commands: readonly CommandEntry[], width: number): string {
  const rows = commands.map((command): Row => [callOf(command), command.summary])
  const lineWidth = Math.min(widest, width)
  return `${wrapped(about, lineWidth).join('\n')}

Usage: sightglass COMMAND [options]

Commands:
${rowsText(rows, lineWidth)}
Options:
${rowsText(
  [
    ['-h, --help', 'This text; after a command, that command in full.'],
    ['-v, --version', 'The version.'],
  ],
  lineWidth,
)}
Exit codes: 0 done, 1 failed, 2 wrongly called.
`
}

/** `sightglass COMMAND --help`. */
export function commandHelp(entry: CommandEntry, command: Command, width: number): string {
  const lineWidth = Math.min(widest, width)
  const rows = Object.entries(command.options).map(([name, option]): Row => [optionText(name, option), option.about])
  rows.push(['-h, --help', 'This text.'])
  return `Usage: sightglass ${callOf(entry)} [options]

${wrapped(entry.summary, lineWidth).join('\n')}

${flowed(command.details, lineWidth)}

Options (in parentheses what holds without them):
${rowsText(rows, lineWidth)}`
}

type Row = readonly [name: string, about: string]

const callOf = ({ name, operands }: CommandEntry) => [name, ...operands].join(' ')

const optionText = (name: string, { value, short }: Option) =>
  `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`

const about =
  'Sightglass: a window in the pipe to your language models. It passes every call on unchanged and keeps a true record of ' +
  'it: who called, what was said, tokens, time to first token, latency, cost.'

/** Longer lines are hard to read. */
const widest = 100

/** Lines as they are when they are examples, wrapped when they are prose. */
const flowed = (text: string, width: number): string =>
  text
    .split('\n')
    .flatMap((line) => (line.startsWith(' ') ? line : wrapped(line, width)))
    .join('\n')

function rowsText(rows: readonly Row[], lineWidth: number): string {
  const indent = Math.min(32, Math.max(...rows.map(([name]) => name.length))) + 4
  return rows
    .map(([name, about]) => {
      const [first = '', ...rest] = wrapped(about, lineWidth - indent)
      const start = name.length + 4 > indent ? `  ${name}\n${' '.repeat(indent)}` : `  ${name}`.padEnd(indent)
      return `${[start + first, ...rest.map((line) => ' '.repeat(indent) + line)].join('\n')}\n`
    })
    .join('')
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

import { nearest } from '../lib/nearest.ts'
import { version } from '../lib/version.ts'
import { SettingsError } from '../settings/problems.ts'
import type { CommandEntry, Io } from './command.ts'
import { commands } from './commands.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { commandHelp, generalHelp } from './help.ts'
import { readArguments } from './options.ts'

/** Runs one command line; resolves to the exit code: 0 done, 1 failed, 2 wrongly called. */
export async function runCommandLine(words: readonly string[], io: Io): Promise<number> {
  try {
    return await run(words, io)
  } catch (error) {
    if (error instanceof UsageError) {
      const command = commands.find(({ name }) => name === words[0])
      io.note(`sightglass: ${error.message}\nHelp: sightglass ${command ? `${command.name} ` : ''}--help\n`)
      return 2
    }
    if (error instanceof SettingsError || error instanceof CommandFailure) {
      io.note(`sightglass: ${error.message}\n`)
      return 1
    }
    io.note(`sightglass: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return 1
  }
}

async function run(words: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = words
  if (first === undefined) {
    io.note(generalHelp(commands, io.width))
    return 2
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    io.out(`${version}\n`)
    return 0
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    io.out(rest[0] === undefined ? generalHelp(commands, io.width) : await helpOf(commandOf(rest[0]), io.width))
    return 0
  }
  const entry = commandOf(first)
  const command = await entry.load()
  const given = readArguments(rest, { ...command.options, help: { short: 'h', about: 'This text.' } }, entry.operands)
  if (given.flag('help')) {
    io.out(commandHelp(entry, command, io.width))
    return 0
  }
  return command.run(given, io)
}

const helpOf = async (entry: CommandEntry, width: number) => commandHelp(entry, await entry.load(), width)

function commandOf(word: string): CommandEntry {
  const command = commands.find(({ name }) => name === word)
  if (command) return command
  if (word.startsWith('-')) throw new UsageError(`${word} is no option here; options follow a command`)
  const names = commands.map(({ name }) => name)
  const near = nearest(word, names)
  throw new UsageError(`${word} is no command${near ? `; did you mean ${near}?` : `: ${names.join(', ')}`}`)
}

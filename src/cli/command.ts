import type { Arguments, Option } from './options.ts'

/** A command as the list of all has it; the rest of it is loaded when it is called. */
export interface CommandEntry {
  readonly name: string
  /** What stands after the name: `ID`; `[ID]` may be left out. */
  readonly operands: readonly string[]
  readonly summary: string
  load(): Promise<Command>
}

export interface Command {
  /** More lines for its help. */
  readonly details: string
  readonly options: Readonly<Record<string, Option>>
  /** Resolves to the exit code. */
  run(given: Arguments, io: Io): Promise<number>
}

/** Where a command reads and writes. */
export interface Io {
  out(text: string | Uint8Array): void
  /** For people, beside the answer. */
  note(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Asks the one at the terminal; not there where there is none. */
  readonly ask?: (question: string) => Promise<string>
  /** Columns of the terminal, or Infinity. */
  readonly width: number
}

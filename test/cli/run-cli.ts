import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { emptyBatch } from '../support/sqlite-store.ts'
import { within } from '../support/within.ts'

const entry = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly bytes: Buffer
  readonly notes: string
}

/** Runs the command line in this process, in an empty directory and with no other environment than the one given. */
export async function cli(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
  width = Infinity,
): Promise<Ran> {
  const out: Uint8Array[] = []
  const notes: string[] = []
  const code = await runCommandLine(words, {
    out: (text) => out.push(Buffer.from(text)),
    note: (text) => notes.push(text),
    env,
    cwd: cwd ?? temporary(),
    width,
  })
  const bytes = Buffer.concat(out)
  return { code, bytes, out: bytes.toString('utf8'), notes: notes.join('') }
}

/** The same as a process of its own, as people run it. */
export async function spawnCli(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ran> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...words], {
    cwd: cwd ?? temporary(),
    env: { PATH: process.env.PATH, TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out: Buffer[] = []
  const notes: Buffer[] = []
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes))
  child.stderr.on('data', (bytes: Buffer) => notes.push(bytes))
  try {
    const [code] = await within(15_000, `sightglass ${words.join(' ')} to end`, once(child, 'close'))
    const bytes = Buffer.concat(out)
    return { code, bytes, out: bytes.toString('utf8'), notes: Buffer.concat(notes).toString('utf8') }
  } finally {
    child.kill('SIGKILL')
  }
}

/** A directory that goes with the test. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A data directory whose store holds these records, with no proxy running in it; as environment variables. */
export function storeWith(records: readonly StoredRecord[]): { DATA_DIR: string; PORT: string } {
  const directory = temporary()
  const store = openLocalStore(join(directory, 'sightglass.sqlite'))
  store.commit({ ...emptyBatch, records })
  store.close()
  return { DATA_DIR: directory, PORT: '0' }
}

/** The columns of a table line, which stand at least two spaces apart. */
export const cells = (line: string | undefined): readonly string[] => line?.trim().split(/ {2,}/) ?? []

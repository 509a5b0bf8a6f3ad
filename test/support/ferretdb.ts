import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pause } from './within.ts'

const sources = join(import.meta.dirname, 'mongod')
const buildMs = 600_000

/**
 * The path of FerretDB's program, built by `go` from `test/support/mongod` at the first need and then kept in the user's
 * cache; an error where that cannot be. Test files that need it at the same time build it once.
 */
export async function ferretdbProgram(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const directory = join(cache, `sightglass-ferretdb-${sourceHash()}`)
  const program = join(directory, 'mongod')
  if (existsSync(program)) return program
  mkdirSync(directory, { recursive: true })
  const lock = join(directory, 'building')
  const until = performance.now() + buildMs
  while (!existsSync(program)) {
    if (taken(lock)) {
      try {
        if (!existsSync(program)) await build(program)
      } finally {
        rmSync(lock)
      }
    } else if (performance.now() > until)
      throw new Error(`waited ${buildMs} ms in vain for another process to build FerretDB`)
    else await pause(200)
  }
  return program
}

/** Whether the lock is ours now; one whose holder died is taken over. */
function taken(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    if (!alive(holder(lock))) rmSync(lock, { force: true })
    return false
  }
}

function holder(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return process.pid // let go of in between: ask again
  }
}

function alive(pid: number): boolean {
  try {
    return pid === 0 || process.kill(pid, 0)
  } catch {
    return false
  }
}

async function build(program: string): Promise<void> {
  const unfinished = `${program}.${process.pid}`
  await promisify(execFile)('go', ['build', '-trimpath', '-ldflags=-s', '-o', unfinished, '.'], {
    cwd: sources,
    timeout: buildMs,
  })
  renameSync(unfinished, program)
}

function sourceHash(): string {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const name of ['main.go', 'go.mod', 'go.sum']) hash.update(readFileSync(join(sources, name)))
  return hash.digest('hex').slice(0, 16)
}

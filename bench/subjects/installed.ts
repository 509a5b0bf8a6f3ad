import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A directory in the user's cache that `install` fills once; a half-filled one is made anew. */
export function installed(name: string, install: (directory: string) => void): string {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sightglass-bench')
  const directory = join(cache, name)
  if (existsSync(directory)) return directory
  mkdirSync(cache, { recursive: true })
  const unfinished = `${directory}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished)
  install(unfinished)
  renameSync(unfinished, directory)
  return directory
}

export const npmPackage = (name: string, version: string): string =>
  installed(`${name.replaceAll('/', '-')}-${version}`, (directory) =>
    runInstaller('npm', ['install', '--prefix', directory, '--no-audit', '--no-fund', `${name}@${version}`]),
  )

/** What it complains of is shown: why a subject cannot be installed. */
export function runInstaller(program: string, words: readonly string[]) {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 900_000 })
}

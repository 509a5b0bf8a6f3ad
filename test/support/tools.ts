import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'

/** A program or library that comes with a package of Debian, and where it lies once that is installed. */
export interface Tool {
  name: string
  debianPackage: string
  paths: readonly string[]
}

/**
 * Defines tests that need something that Debian installs. Where it is missing they are skipped with one line, and fail where
 * CI=true: there `.ci/run` installs it.
 */
export function withTool(tool: Tool, tests: (path: string) => void): void {
  const path = tool.paths.find((one) => existsSync(one))
  const missing = `${tool.name} is not installed (Debian: apt-get install ${tool.debianPackage})`
  if (path !== undefined) tests(path)
  else if (process.env.CI === 'true') it(`${tool.name} is there to test with`, () => expect.unreachable(missing))
  else it.skip(`tests with ${missing}`)
}

const library = (name: string): string[] =>
  ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => `/usr/lib/${machine}/${name}`)

export const libfaketime: Tool = {
  name: 'libfaketime',
  debianPackage: 'faketime',
  paths: library('faketime/libfaketime.so.1'),
}

export const libfiu: Tool = { name: 'libfiu', debianPackage: 'fiu-utils', paths: ['/usr/lib/fiu/fiu_run_preload.so'] }

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

type Packages = Readonly<Record<string, { integrity: string; optional?: boolean }>>

/** Runs a script in a checkout whose npm only says that it was called. */
function run(wanted: Packages, installed: Packages | null) {
  const root = mkdtempSync(join(tmpdir(), 'sightglass-run-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const folder = (...path: string[]): string => {
    const made = join(root, ...path)
    mkdirSync(made, { recursive: true })
    return made
  }
  const scripts = join(import.meta.dirname, '..', '..', 'scripts')
  for (const file of ['run.mjs', 'node-options.json']) cpSync(join(scripts, file), join(folder('scripts'), file))
  symlinkSync(process.execPath, join(folder('node_modules', 'node', 'bin'), 'node'))
  writeFileSync(join(folder('path'), 'npm'), '#!/bin/sh\necho npm "$@"\nexit 3\n', { mode: 0o755 })
  const lock = (packages: Packages) => JSON.stringify({ packages: { '': {}, ...packages } })
  writeFileSync(join(root, 'package-lock.json'), lock(wanted))
  if (installed) writeFileSync(join(root, 'node_modules', '.package-lock.json'), lock(installed))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'run.mjs'), '-e', 'console.log("ran")'],
    { encoding: 'utf8', env: { ...process.env, PATH: `${join(root, 'path')}:${process.env.PATH}` } },
  )
  return { status, stdout, installs: stderr.includes('npm ci') }
}

const one = { 'node_modules/one': { integrity: 'sha512-1' } }

it('runs at once when npm has installed what the lock file names, whoever called it', () => {
  const elsewhere = { 'node_modules/for-another-machine': { integrity: 'sha512-2', optional: true } }
  expect(run({ ...one, ...elsewhere }, one)).toEqual({ status: 0, stdout: 'ran\n', installs: false })
})

it.each([
  ['nothing is installed', null],
  ['a package is missing', {}],
  ['a package has another version', { 'node_modules/one': { integrity: 'sha512-0' } }],
])('installs first when %s, and says so when that fails', (_case, installed) => {
  expect(run(one, installed)).toEqual({ status: 3, stdout: '', installs: true })
})

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type LoadedSettings, loadSettings, type Sources } from '../../src/settings/load.ts'
import { SettingsError } from '../../src/settings/problems.ts'

export const providers = [
  { id: 'anthropic', baseUrl: 'https://api.anthropic.com' },
  { id: 'ollama', baseUrl: 'http://127.0.0.1:11434' },
  { id: 'openai', baseUrl: 'https://api.openai.com' },
  { id: 'vllm', baseUrl: 'http://127.0.0.1:8000' },
]

/** A working directory with these files, gone after the test. */
export function workingDirectory(files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-settings-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true })
    writeFileSync(join(directory, path), text)
  }
  return directory
}

export interface Given extends Pick<Sources, 'env' | 'flags' | 'configFile'> {
  /** Text of config/sightglass.yaml. */
  readonly yaml?: string
  readonly files?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export function load({ yaml, files, cwd, ...sources }: Given = {}): LoadedSettings {
  const directory = cwd ?? workingDirectory({ ...files, ...(yaml ? { 'config/sightglass.yaml': yaml } : {}) })
  return loadSettings({ env: {}, ...sources, cwd: directory, providers })
}

/** The lines of the refusal. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  throw new Error('these settings were taken')
}

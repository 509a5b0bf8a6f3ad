import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface Secrets {
  readonly adminToken: string
  /** Keys every fingerprint of this installation. */
  readonly pepper: string
  /** The token was made just now: the moment to show it. */
  readonly adminTokenMade: boolean
  /** Where the token lies, unless the settings gave it. */
  readonly adminTokenPath: string
}

/** The admin token and the pepper: from the settings, else from the data directory, where they are made at the first start. */
export function openSecrets(dataDir: string, given: { adminToken: string | null; pepper: string | null }): Secrets {
  const adminTokenPath = join(dataDir, 'admin-token')
  const token = secret(given.adminToken, adminTokenPath, () => `sga_${random()}`)
  const pepper = secret(given.pepper, join(dataDir, 'pepper'), random)
  return { adminToken: token.value, pepper: pepper.value, adminTokenMade: token.made, adminTokenPath }
}

const random = (): string => randomBytes(32).toString('base64url')

function secret(given: string | null, path: string, make: () => string): { value: string; made: boolean } {
  if (given !== null) return { value: given, made: false }
  const kept = read(path)
  if (kept !== null) return { value: kept, made: false }
  const value = make()
  write(path, value)
  return { value, made: true }
}

function read(path: string): string | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw new Error(`${path}: cannot be read (${codeOf(error)})`, { cause: error })
  }
  if (text === '') throw new Error(`${path}: is empty; remove it to have a new one made`)
  return text
}

/** Whole or not at all, also when the power goes: a lost pepper would make every fingerprint a stranger. */
function write(path: string, value: string): void {
  const folder = join(path, '..')
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = openSync(temporary, 'w', 0o600)
    try {
      writeSync(file, `${value}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    syncFolder(folder)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new Error(`${path}: cannot be made (${codeOf(error)}); the data directory must be writable`, { cause: error })
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

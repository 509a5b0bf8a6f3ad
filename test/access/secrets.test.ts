import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSecrets } from '../../src/access/secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const nothing = { adminToken: null, pepper: null }
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)

it('makes both secrets once, for their owner alone, and finds them again', () => {
  const dataDir = join(folder, 'new', 'data')
  const first = openSecrets(dataDir, nothing)
  expect(first.adminToken).toMatch(/^sga_[\w-]{43}$/)
  expect(first.pepper).toMatch(/^[\w-]{43}$/)
  expect(first.adminTokenMade).toBe(true)
  expect(first.adminTokenPath).toBe(join(dataDir, 'admin-token'))
  expect([mode(dataDir), mode(join(dataDir, 'admin-token')), mode(join(dataDir, 'pepper'))]).toEqual([
    '700',
    '600',
    '600',
  ])
  expect(readdirSync(dataDir).sort()).toEqual(['admin-token', 'pepper'])
  expect(openSecrets(dataDir, nothing)).toEqual({ ...first, adminTokenMade: false })
})

it('makes different secrets for different data directories', () => {
  const one = openSecrets(join(folder, 'one'), nothing)
  const other = openSecrets(join(folder, 'other'), nothing)
  expect(other.adminToken).not.toBe(one.adminToken)
  expect(other.pepper).not.toBe(one.pepper)
})

it('takes secrets from the settings and then writes none', () => {
  const { adminToken, pepper, adminTokenMade } = openSecrets(folder, { adminToken: 'from settings', pepper: 'salt' })
  expect({ adminToken, pepper, adminTokenMade }).toEqual({
    adminToken: 'from settings',
    pepper: 'salt',
    adminTokenMade: false,
  })
  expect(readdirSync(folder)).toEqual([])
})

it('reads a secret that somebody wrote with a line end', () => {
  writeFileSync(join(folder, 'admin-token'), 'chosen by hand\r\n')
  expect(openSecrets(folder, nothing)).toMatchObject({ adminToken: 'chosen by hand', adminTokenMade: false })
})

it('refuses an empty secret, naming the file, and does not replace it', () => {
  const path = join(folder, 'pepper')
  writeFileSync(path, '\n')
  expect(() => openSecrets(folder, nothing)).toThrow(`${path}: is empty`)
  expect(readFileSync(path, 'utf8')).toBe('\n')
})

it('names the path when the data directory cannot be made', () => {
  writeFileSync(join(folder, 'file'), '')
  const dataDir = join(folder, 'file', 'data')
  expect(() => openSecrets(dataDir, nothing)).toThrow(`${join(dataDir, 'admin-token')}: cannot be read (ENOTDIR)`)
})

it.skipIf(process.getuid?.() === 0)(
  'names the path when the data directory cannot be written, and leaves nothing behind',
  () => {
    const dataDir = join(folder, 'sealed')
    mkdirSync(dataDir)
    chmodSync(dataDir, 0o500)
    expect(() => openSecrets(dataDir, nothing)).toThrow(`${join(dataDir, 'admin-token')}: cannot be made (EACCES)`)
    chmodSync(dataDir, 0o700)
    expect(readdirSync(dataDir)).toEqual([])
  },
)

it('names the path when a secret turns out to be a folder', () => {
  mkdirSync(join(folder, 'admin-token'))
  expect(() => openSecrets(folder, nothing)).toThrow(`${join(folder, 'admin-token')}: cannot be read (EISDIR)`)
})

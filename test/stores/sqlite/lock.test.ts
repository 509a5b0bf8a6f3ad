import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DirectoryLocked, lockDirectory } from '../../../src/stores/sqlite/lock.ts'

let directory = ''
let child: ChildProcess | null = null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sightglass-lock-'))
})

afterEach(() => {
  child?.kill('SIGKILL')
  child = null
  rmSync(directory, { recursive: true })
})

/** A process that tries to lock the directory, says `locked` or the error's name, and stays. */
async function another(): Promise<string> {
  const source = `
    import { lockDirectory } from ${JSON.stringify(new URL('../../../src/stores/sqlite/lock.ts', import.meta.url).href)}
    try { globalThis.lock = lockDirectory(${JSON.stringify(directory)}); process.send('locked') }
    catch (error) { process.send(error.name) }
    setInterval(() => {}, 1000)`
  child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [said] = await once(child, 'message')
  return String(said)
}

describe('the lock of the data directory', () => {
  it('keeps another process out, by name of the directory', async () => {
    expect(await another()).toBe('locked')
    const lock = () => lockDirectory(directory)
    expect(lock).toThrow(DirectoryLocked)
    expect(lock).toThrow(directory)
  })

  it('is free again once its holder was killed', async () => {
    expect(await another()).toBe('locked')
    const ended = once(child!, 'exit')
    child!.kill('SIGKILL')
    await ended
    lockDirectory(directory).release()
  })

  it('holds against a second try of the same process, which does not weaken it', async () => {
    const held = lockDirectory(directory)
    expect(() => lockDirectory(directory)).toThrow(DirectoryLocked)
    expect(await another()).toBe('DirectoryLocked')
    held.release()
    held.release()
    lockDirectory(directory).release()
  })

  it('is a file for its owner alone', () => {
    const held = lockDirectory(directory)
    expect(statSync(join(directory, 'lock.sqlite')).mode & 0o777).toBe(0o600)
    held.release()
  })

  it('names a directory that cannot be used', () => {
    const missing = join(directory, 'missing')
    expect(() => lockDirectory(missing)).toThrow(`${missing} cannot be used as data directory`)
  })
})

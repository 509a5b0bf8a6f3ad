import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openLocalStore } from '../../../src/stores/sqlite/local.ts'
import { AnswerTimeout, Busy, openReader } from '../../../src/stores/sqlite/reader-thread.ts'
import { type Store, Unanswerable } from '../../../src/stores/store.ts'

const entry = new URL('./readers/odd.ts', import.meta.url)
let store: Store | null = null

afterEach(async () => {
  await store?.close()
  store = null
})

const odd = (options: { timeoutMs?: number; queueLimit?: number } = {}): Store => {
  store = openReader('nowhere', { entry, ...options })
  return store
}

describe('the reader thread', () => {
  it('is started again when it died, and the question that killed it twice fails', async () => {
    const reader = odd()
    const killer = reader.run('die', 'x')
    const other = reader.run('fine', 'x')
    await expect(killer).rejects.toThrow('the reader died twice over a question: the reader thread ended with code 7')
    expect(await other).toEqual({ asked: 1 })
  })

  it('is replaced when a question hangs: that one times out, the next is answered', async () => {
    const reader = odd({ timeoutMs: 3000 })
    const stuck = reader.run('hang', 'x')
    await expect(stuck).rejects.toThrow(AnswerTimeout)
    await expect(stuck).rejects.toThrow('run gave no answer within 3000 ms')
    expect(await reader.run('fine', 'x')).toEqual({ asked: 1 })
  })

  it('takes only so many questions at a time', async () => {
    const reader = odd({ queueLimit: 2 })
    const waiting = Promise.allSettled([reader.run('silent', 'x'), reader.run('fine', 'x')])
    await expect(reader.run('fine', 'x')).rejects.toThrow(Busy)
    await reader.close()
    const closed = { status: 'rejected', reason: new Error('the reader is closed') }
    expect(await waiting).toEqual([closed, closed])
  })

  it('answers as soon as the database exists, and says what is missing before', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sightglass-reader-'))
    const path = join(directory, 'sightglass.sqlite')
    store = openReader(path)
    await expect(store.status()).rejects.toThrow(`${path} does not exist yet`)
    const local = openLocalStore(path)
    expect(await store.status()).toMatchObject({ name: 'sqlite', counts: { telemetry: 0 } })
    await expect(store.usage(null, { groupBy: [], timeZone: 'Nowhere' })).rejects.toThrow(Unanswerable)
    await store.close()
    local.close()
    rmSync(directory, { recursive: true })
  })
})

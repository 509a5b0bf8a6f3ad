import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { errno, fiu, syncs, writes } from '../support/fiu.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { libfiu, withTool } from '../support/tools.ts'
import { eventually, pause } from '../support/within.ts'
import { delivered, healthOf } from './health.ts'
import { keptInDatabase } from './kept.ts'
import { losses, none } from './ledger.ts'
import { type Traffic, traffic } from './traffic.ts'

let dataDir: string
let calls: Traffic

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-eio-'))
  calls = await traffic()
})
afterEach(async () => {
  await calls[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

/**
 * Calls whose tokens the upstream counts: for an estimate the proxy forks, and under libfiu the child of a process with threads
 * may wait for ever for a lock that was held when it was born.
 */
const load = (port: number, clients: number, until: () => Promise<unknown>) =>
  calls.load(port, clients, until, ['json', 'upload'])

async function nothingLost(proxy: SpawnedProxy) {
  const { records } = await delivered(proxy.url, 60_000)
  expect(records).toMatchObject({ quarantined: 0, dropped: 0 })
  expect(await proxy.stop()).toEqual({ code: 0, signal: null })
  const { kept, counted } = keptInDatabase(dataDir)
  expect(losses(calls.ledger.compare(kept))).toEqual(none)
  expect(counted).toBe(kept.length)
  return records
}

const well = (proxy: SpawnedProxy) =>
  eventually('the journal to be well', async () => (await healthOf(proxy.url)).services.journal?.state === 'ok', 30_000)

withTool(libfiu, (library) => {
  const started = (env: Record<string, string> = {}) => {
    const faults = fiu(library, dataDir)
    const begun = spawnProxy({
      dataDir,
      upstreams: { openai: calls.upstream.port },
      env: { ...faults.env, ...env },
      startMs: 30_000,
    })
    return begun.then((proxy) => ({ proxy, faults }))
  }

  it.each([
    ['EIO', 1],
    ['ENOSPC', 1],
    ['EIO', 0.3],
  ] as const)(
    'answers every call while writes fail with %s (%d of all), and has every record once they work again, without a restart (48)',
    async (code, share) => {
      const { proxy, faults } = await started()
      await load(proxy.port, 8, async () => {
        await pause(300)
        await faults.fail(proxy.pid, writes, errno[code], share)
        await eventually(
          'calls to go on unprotected',
          async () => (await healthOf(proxy.url)).records.unprotected > 20,
          30_000,
        )
        await faults.work(proxy.pid, writes)
        await well(proxy)
        await pause(300)
      })
      const { unprotected } = await nothingLost(proxy)
      console.log(`writes failed with ${code} (${share}): ${unprotected} calls went on unprotected, none is lost`)
    },
    120_000,
  )

  it('answers every call while syncs fail, calls none of them safe meanwhile, and goes on in another file (48)', async () => {
    const { proxy, faults } = await started({ DURABILITY: 'sync' })
    /** Older ones may be deleted already. */
    const newestSegment = async (): Promise<number> => {
      const journal = join(dataDir, 'journal')
      const [epoch = ''] = await readdir(journal)
      return Math.max(...(await readdir(join(journal, epoch))).map((name) => Number.parseInt(name, 10)))
    }
    await load(proxy.port, 8, () => pause(300))
    const before = (await healthOf(proxy.url)).records.unprotected
    expect(await newestSegment()).toBe(1)
    await load(proxy.port, 8, async () => {
      await faults.fail(proxy.pid, syncs, errno.EIO)
      await eventually(
        'calls to go on unprotected',
        async () => (await healthOf(proxy.url)).records.unprotected > before + 20,
        30_000,
      )
      expect(proxy.output()).toContain('journal sync failed')
      await faults.work(proxy.pid, syncs)
    })
    const { unprotected } = (await healthOf(proxy.url)).records
    await load(proxy.port, 4, () => pause(200))
    expect(await newestSegment()).toBeGreaterThan(1)
    await nothingLost(proxy)
    console.log(`syncs failed with EIO: ${unprotected - before} calls went on unprotected, none is lost`)
  }, 120_000)
})

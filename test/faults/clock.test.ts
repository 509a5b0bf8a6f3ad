import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { libfaketime, withTool } from '../support/tools.ts'
import { eventually, pause } from '../support/within.ts'
import { delivered } from './health.ts'
import { keptInDatabase } from './kept.ts'
import { losses, none } from './ledger.ts'
import { type Traffic, traffic } from './traffic.ts'

let dataDir: string
let calls: Traffic

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sightglass-clock-'))
  calls = await traffic()
})
afterEach(async () => {
  await calls[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true, force: true })
})

const hourMs = 3_600_000

/** What the records say, in the order in which they were stored. */
function recordsIn(): { id: string; timestampMs: number; durations: [name: string, ms: number][] }[] {
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT telemetry FROM documents ORDER BY seq').all()
  database.close()
  return rows.map(({ telemetry }) => {
    const { _id, timestamp_ms, metadata } = JSON.parse(String(telemetry))
    const durations = Object.entries(metadata).filter(
      (field): field is [string, number] => /_ms$|_latency$/.test(field[0]) && typeof field[1] === 'number',
    )
    return { id: _id, timestampMs: timestamp_ms, durations }
  })
}

withTool(libfaketime, (library) => {
  const clock = () => join(dataDir, 'clock')
  const started = () =>
    spawnProxy({
      dataDir,
      upstreams: { openai: calls.upstream.port },
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock(),
        FAKETIME_NO_CACHE: '1',
        DONT_FAKE_MONOTONIC: '1',
      },
      startMs: 30_000,
    })
  /** The proxy's own idea of the time is so far off, in hours. */
  const shownBy = async (proxy: SpawnedProxy): Promise<number> => {
    const { timestamp } = (await (await fetch(`${proxy.url}/health`)).json()) as { timestamp: string }
    return Math.round((Date.parse(timestamp) - Date.now()) / hourMs)
  }
  const set = async (proxy: SpawnedProxy | null, hours: number) => {
    await writeFile(clock(), `${hours < 0 ? '' : '+'}${hours}h`)
    if (proxy) await eventually(`the clock to be ${hours} hours off`, async () => (await shownBy(proxy)) === hours)
  }

  it('keeps durations true and ids apart while the wall clock jumps an hour ahead and back, and over a kill meanwhile (50)', async () => {
    await set(null, 0)
    const first = await started()
    await calls.load(first.port, 12, async () => {
      for (const hours of [0, 1, -1, 0, -1]) {
        await set(first, hours)
        await pause(200)
      }
      process.kill(first.pid, 'SIGKILL')
    })
    await first.exited
    const second = await started()
    expect(await shownBy(second)).toBe(-1)
    await calls.load(second.port, 12, async () => {
      await pause(200)
      await set(second, 1)
      await pause(200)
    })
    await delivered(second.url, 60_000)
    await second.stop()

    const { kept, counted } = keptInDatabase(dataDir)
    const records = recordsIn()
    expect(losses(calls.ledger.compare(kept))).toEqual(none)
    expect(counted).toBe(kept.length)
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length)
    const durations = records.flatMap(({ durations }) => durations)
    expect(durations.length).toBeGreaterThan(records.length)
    expect(durations.filter(([, ms]) => ms < 0)).toEqual([])
    // an hour is in none of them: they were not made from the wall clock
    expect(durations.filter(([, ms]) => ms > hourMs / 2)).toEqual([])
    const spread =
      Math.max(...records.map(({ timestampMs }) => timestampMs)) -
      Math.min(...records.map(({ timestampMs }) => timestampMs))
    expect(spread).toBeGreaterThan(1.9 * hourMs)
    console.log(
      `${records.length} calls while the clock jumped 7 times by an hour or two: negative durations 0, doubled 0, lost 0`,
    )
  }, 120_000)
})

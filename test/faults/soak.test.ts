import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { canWatch, slopeMibPerMinute } from '../support/process-watch.ts'
import { smallDisk } from '../support/small-disk.ts'
import { callsInFiles } from './csv-files.ts'
import { keptInFake } from './kept.ts'
import { SoakRig } from './soak-rig.ts'

/** `npm run test:soak` makes it a quarter of an hour at 200 calls a second. */
const seconds = Number(process.env.SOAK_SECONDS ?? 24)
const perSecond = Number(process.env.SOAK_PER_SECOND ?? 60)
const seed = Number(process.env.SOAK_SEED ?? 20_261)
/** Memory that a process takes for itself in its first minutes is no slope. */
const isLong = seconds >= 600
/** The pools of those who write to MongoDB and who read from it, which grow with what they are asked. */
const mongoSockets = 12

it.skipIf(!canWatch)(
  `accounts for every call and keeps its memory and its files while everything fails at random for ${seconds} s (54, 53)`,
  async () => {
    const disk = smallDisk(isLong ? 4_096 : 384)
    if ('refused' in disk) console.log(`the disk is never full: this machine mounts no tmpfs (${disk.refused})`)
    const dataDir = 'refused' in disk ? await mkdtemp(join(tmpdir(), 'sightglass-soak-')) : disk.path
    try {
      await using rig = await SoakRig.begin({ seed, perSecond, dataDir, disk: 'refused' in disk ? null : disk })
      await rig.trouble(seconds * 0.4, true)
      const before = await rig.idleFiles()
      const samples = await rig.trouble(seconds * 0.6, false)
      const after = await rig.idleFiles()
      await rig.settled()
      const { happened, mongo, calls, proxy } = rig
      const inFiles = callsInFiles(join(dataDir, 'telemetry_logs'))
      expect(await proxy.stop()).toEqual({ code: 0, signal: null })
      expect(proxy.output()).not.toMatch(/unhandled|uncaught/i)

      const { kept } = keptInFake(mongo)
      const ofClients = kept.filter(({ call }) => call !== null) // not the records of gaps
      const found = calls.ledger.compare(ofClients)
      const slope = slopeMibPerMinute(samples.slice(samples.length / 5))
      const peakMib = Math.max(...samples.map(({ residentMib }) => residentMib))
      const faults = Object.entries(happened.mongoFaults).map(([name, times]) => `${name} ${times}`)
      console.log(
        `soak of ${seconds} s, seed ${seed}: ${found.calls} calls, ${found.completed} completed, ${found.records} records; ` +
          `${happened.kills} kills, disk full ${happened.fullDisks} times, MongoDB ${faults.join(', ')}; ` +
          `lost ${found.recordsLost.length}, of them counted as dropped ${happened.dropped}, doubled ${found.doubled.length}; ` +
          `memory at most ${Math.round(peakMib)} MiB, ${isLong ? `${slope.toFixed(2)} MiB a minute; ` : ''}` +
          `files ${before.files} and then ${after.files}, sockets ${before.sockets} and ${after.sockets}; ` +
          `slowest start ${Math.round(happened.slowestStartMs)} ms; ${inFiles.length} calls in CSV files`,
      )
      expect(happened.kills).toBeGreaterThan(0)
      if (!('refused' in disk)) expect(happened.fullDisks).toBeGreaterThan(0)
      const { requestsLost, doubled } = found
      expect({ requestsLost, doubled }).toEqual({ requestsLost: [], doubled: [] })
      expect(found.untrue.filter((text) => !text.endsWith('recorded null'))).toEqual([])
      // what went on without being safe, which is counted too, may be lost to a kill
      expect(found.recordsLost.length).toBeGreaterThanOrEqual(happened.dropped)
      expect(found.recordsLost.length).toBeLessThanOrEqual(happened.dropped + happened.unprotected)
      expect(new Set(mongo.ids('llm_runs'))).toEqual(new Set(mongo.ids('telemetry')))
      expect(new Set(inFiles).size).toBe(inFiles.length)
      const ids = new Set(kept.map(({ id }) => id))
      expect(inFiles.filter((id) => !ids.has(id))).toEqual([])
      // after few calls what is opened once, when first needed (the tokenizer's process), may still be to come
      expect(after.files).toBeLessThanOrEqual(before.files + (isLong ? 2 : 12))
      expect(after.sockets).toBeLessThanOrEqual(before.sockets + mongoSockets)
      expect(peakMib).toBeLessThan(700)
      if (isLong) expect(slope).toBeLessThan(1)
    } finally {
      if ('refused' in disk) await rm(dataDir, { recursive: true, force: true })
      else disk.unmount()
    }
  },
  300_000 + seconds * 2_000,
)

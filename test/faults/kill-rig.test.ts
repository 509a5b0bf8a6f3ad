import { expect, it } from 'vitest'
import { type KillKind, type KillSink, killCampaign } from './kill-rig.ts'

/** What is done to one data directory, before its records are compared with what clients and upstream saw. */
const campaign: readonly KillKind[] = [
  ...['serving', 'recovering', 'serving', 'recovering', 'recovering', 'serving'],
  ...['loop', 'loop', 'loop', 'recovering', 'loop', 'serving', 'loop'],
] as KillKind[]
/** In turns. */
const sinks: readonly KillSink[] = ['sqlite', 'mongodb']

const wanted = Number(process.env.KILLS ?? 2 * campaign.length)
const firstSeed = Number(process.env.KILL_SEED ?? 20_260)

it(
  `loses and doubles nothing over ${wanted} kills under 48 clients, during recovery and in a crash loop, in MongoDB too (45, 46)`,
  async () => {
    const totals = { kills: 0, calls: 0, completed: 0, records: 0, interrupted: 0 }
    let slowestStartMs = 0
    let slowestSettleMs = 0
    for (let seed = firstSeed; totals.kills < wanted; seed++) {
      const sink = sinks[(seed - firstSeed) % sinks.length]!
      const { startMs, settleMs, counted, epochsLeft, ...found } = await killCampaign(seed, campaign, sink)
      for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += found[name]
      slowestStartMs = Math.max(slowestStartMs, startMs)
      slowestSettleMs = Math.max(slowestSettleMs, settleMs)
      const lost = { requestsLost: found.requestsLost, recordsLost: found.recordsLost }
      expect({ seed, sink, ...lost, doubled: found.doubled, untrue: found.untrue, epochsLeft }).toEqual({
        seed,
        sink,
        requestsLost: [],
        recordsLost: [],
        doubled: [],
        untrue: [],
        epochsLeft: 0,
      })
      expect(counted).toBe(found.records)
      expect(found.completed).toBeGreaterThan(60)
      expect(found.interrupted).toBeGreaterThan(0)
    }
    const { kills, calls, completed, records, interrupted } = totals
    console.log(
      `${kills} kills: ${calls} calls, ${completed} completed, ${records} records, ${interrupted} interrupted, ` +
        `lost 0, doubled 0; slowest start ${Math.round(slowestStartMs)} ms, slowest recovery ${Math.round(slowestSettleMs)} ms`,
    )
  },
  Math.max(300_000, wanted * 10_000),
)

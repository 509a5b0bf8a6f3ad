import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournal } from '../src/journal/writer.ts'
import { systemClock } from '../src/lib/clock.ts'
import { newId } from '../src/lib/id.ts'
import { createRecorder } from '../src/pipeline/recorder.ts'
import { closeOf, headOf, openOf } from '../test/journal/samples.ts'
import { MemoryLocalStore } from '../test/support/memory-local-store.ts'
import { aRecord } from '../test/support/records.ts'

/**
 * What the journal costs the data plane's thread, and how fast it is read back without decoding:
 * `node scripts/run.mjs bench/journal.ts [CALLS] [CALLS A TURN]`. A call is OPEN, HEAD, CLOSE and two bodies of 700 and 900 bytes.
 */
const calls = Number(process.argv[2] ?? 50_000)
const perTurn = Number(process.argv[3] ?? 8)
const base = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
const dir = join(base, 'journal')
const journal = openJournal({ dir, clock: systemClock, segmentBytes: 16 * 1024 * 1024 })
const request = Buffer.alloc(700, 'q')
const response = Buffer.alloc(900, 'r')

function makeCalls(count: number): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0
    let closed = 0
    const turn = () => {
      for (let place = 0; place < perTurn && begun < count; place++, begun++) {
        const exchange = journal.open(openOf(newId(Date.now())), () => {})
        journal.data(exchange, 'request', 0, 1, request)
        journal.head(exchange, headOf())
        journal.data(exchange, 'response', 0, 2, response)
        journal.close(exchange, closeOf(request.length, response.length), () => {
          if (++closed === count) resolve()
        })
      }
      if (begun < count) setImmediate(turn)
    }
    turn()
  })
}

async function measure(name: string, count: number, work: () => Promise<void>) {
  const before = process.cpuUsage()
  const at = performance.now()
  await work()
  const ms = performance.now() - at
  const { user, system } = process.cpuUsage(before)
  console.log(
    `${name}: ${Math.round((count / ms) * 1000)} calls/s, ${((user + system) / count).toFixed(1)} µs CPU a call`,
  )
}

await makeCalls(2_000)
for (let round = 0; round < 3; round++) await measure('written', calls, () => makeCalls(calls))
const store = new MemoryLocalStore()
store.commit = () => {}
const record = aRecord()
const recorder = createRecorder({
  journalDir: dir,
  liveEpochs: [journal.epoch],
  store,
  log: console,
  toRecord: async () => record,
  rawRecord: () => record,
})
await measure('read   ', calls * 3 + 2_000, async () => {
  while (await recorder.step());
})
await journal.end()
rmSync(base, { recursive: true })

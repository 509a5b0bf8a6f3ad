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
 * `node scripts/run.mjs bench/journal.ts [CALLS] [CALLS A TURN] [write|sync]`. A call is OPEN, HEAD, CLOSE and two bodies of 700 and 900 bytes.
 */
const calls = Number(process.argv[2] ?? 50_000)
const perTurn = Number(process.argv[3] ?? 8)
const durability = process.argv[4] === 'sync' ? 'sync' : 'write'
const base = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
const dir = join(base, 'journal')
const journal = openJournal({ dir, clock: systemClock, segmentBytes: 16 * 1024 * 1024, durability })
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

const written = (give: (told: () => void) => void) => new Promise<void>((resolve) => give(resolve))

/** So many clients, each waiting for both writes of a call before its next: what the journal adds to a call. */
async function waits(clients: number, count: number) {
  const took: number[] = []
  const client = async () => {
    for (let place = 0; place < count / clients; place++) {
      const at = performance.now()
      let exchange = 0
      await written((told) => {
        exchange = journal.open(openOf(newId(Date.now())), told)
      })
      journal.data(exchange, 'response', 0, 2, response)
      await written((told) => journal.close(exchange, closeOf(0, response.length), told))
      took.push(performance.now() - at)
    }
  }
  const at = performance.now()
  await Promise.all(Array.from({ length: clients }, client))
  const rate = Math.round((took.length / (performance.now() - at)) * 1000)
  took.sort((one, other) => one - other)
  const [p50, p99] = [0.5, 0.99].map((part) => took[Math.floor(took.length * part)]!.toFixed(3))
  console.log(`${durability}, ${clients} clients: ${rate} calls/s, both waits p50 ${p50} ms, p99 ${p99} ms`)
}

await makeCalls(2_000)
for (const clients of [1, 48]) await waits(clients, 2_400)
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
await measure('read   ', calls * 3 + 6_800, async () => {
  while (await recorder.step());
})
await journal.end()
rmSync(base, { recursive: true })

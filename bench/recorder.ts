import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadProviders } from '../providers/index.ts'
import { openJournal } from '../src/journal/writer.ts'
import { systemClock } from '../src/lib/clock.ts'
import { newId } from '../src/lib/id.ts'
import { loadPrices } from '../src/meter/prices.ts'
import { startTokenCounter } from '../src/meter/tokens.ts'
import { createRecorder } from '../src/pipeline/recorder.ts'
import { rawRecord, recordMaker } from '../src/pipeline/records.ts'
import { openLocalStore } from '../src/stores/sqlite/local.ts'
import { closeOf, headOf, openOf } from '../test/journal/samples.ts'

/**
 * What the recorder costs from the journal to the database: `node scripts/run.mjs bench/recorder.ts [CALLS] [CALLS A STEP …]`.
 * Small JSON calls; so many are in the journal each time that it reads, as when it keeps up or is behind.
 */
const [calls = 20_000, ...steps] = process.argv.slice(2).map(Number)
const base = mkdtempSync(join(tmpdir(), 'sightglass-bench-'))
const dir = join(base, 'journal')
const journal = openJournal({ dir, clock: systemClock, segmentBytes: 16 * 1024 * 1024 })
const store = openLocalStore(join(base, 'sightglass.sqlite'))
const tokens = startTokenCounter()
const parts = {
  instance: store.instance,
  providers: await loadProviders(),
  prices: loadPrices(),
  tokens,
  pepper: 'pepper',
  bodyLimitBytes: 1 << 20,
  projectNames: new Map<string, string>(),
}
const recorder = createRecorder({
  journalDir: dir,
  liveEpochs: [journal.epoch],
  store,
  log: console,
  toRecord: recordMaker(parts),
  rawRecord: (exchange, error) => rawRecord(exchange, error, parts),
})

const request = Buffer.from(
  JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [{ role: 'user', content: 'Why is the sea blue? '.repeat(8) }],
  }),
)
const response = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: 'gpt-4o-mini',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'The sea is blue. '.repeat(20) }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 20, completion_tokens: 80, total_tokens: 100 },
  }),
)
const headers: [string, string][] = [
  ['content-type', 'application/json'],
  ['date', 'Mon, 09 Nov 2026 10:00:00 GMT'],
]

function makeCalls(count: number): Promise<void> {
  return new Promise((resolve) => {
    let closed = 0
    for (let place = 0; place < count; place++) {
      const wallMs = Date.now()
      const exchange = journal.open({ ...openOf(newId(wallMs)), wallMs, keyFingerprint: 'ab'.repeat(16) }, () => {})
      journal.data(exchange, 'request', 0, 1, request)
      journal.head(exchange, { ...headOf(), framing: 'length', contentLength: response.length, headers })
      journal.data(exchange, 'response', 0, 2, response)
      const close = { ...closeOf(request.length, response.length), atMs: 1 + (place % 50) }
      journal.close(exchange, close, () => {
        if (++closed === count) resolve()
      })
    }
  })
}

async function measure(perStep: number) {
  let cpuUs = 0
  let wallMs = 0
  for (let made = 0; made < calls; made += perStep) {
    await makeCalls(perStep)
    const before = process.cpuUsage()
    const at = performance.now()
    while (await recorder.step());
    wallMs += performance.now() - at
    const { user, system } = process.cpuUsage(before)
    cpuUs += user + system
  }
  console.log(
    `${String(perStep).padStart(6)} calls a step: ${Math.round((calls / wallMs) * 1000)} records/s, ${(cpuUs / calls).toFixed(1)} µs CPU a record`,
  )
}

await measure(1_000) // warm
for (const perStep of steps.length > 0 ? steps : [1_000, 100, 20]) await measure(perStep)
await journal.end()
await tokens.close()
store.close()
rmSync(base, { recursive: true })

import { deepEqual } from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../src/stores/sqlite/query.ts'
import { anId, answersOf, questions } from './lookups/questions.ts'
import { commit, seed } from './lookups/seed.ts'
import { median } from './measure.ts'

/**
 * How long the embedded store takes for an answer when it holds many calls: `node scripts/run.mjs bench/lookups.ts [CALLS …]`.
 * Each is asked once, and then 15 times. 10,000,000 calls take some minutes and 6 GB.
 */
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10_000, 100_000]
const times = 15
/** Of so many, the answers are compared with those of a database that the product filled. */
const comparedCalls = 10_000

const directory = mkdtempSync(join(tmpdir(), 'sightglass-lookups-'))
const remove = (): void => rmSync(directory, { recursive: true, force: true })
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    remove()
    process.exit(1)
  })
}
try {
  await compare(comparedCalls)
  for (const size of sizes) await measure(size)
} finally {
  remove()
}

async function compare(calls: number): Promise<void> {
  const [seeded, committed] = ['seeded', 'committed'].map((name) => join(directory, `${name}.sqlite`)) as [
    string,
    string,
  ]
  await seed(seeded, calls)
  commit(committed, calls)
  const stores = [openStore(seeded), openStore(committed)] as const
  deepEqual(await answersOf(stores[0]), await answersOf(stores[1]))
  for (const store of stores) await store.close()
  console.log(
    `${calls.toLocaleString('en')} calls: all answers are those of a database that the recorder's store filled`,
  )
}

async function measure(calls: number): Promise<void> {
  const path = join(directory, `${calls}.sqlite`)
  const shown = calls.toLocaleString('en')
  const from = performance.now()
  await seed(path, calls, (done) => tell(`seeding: ${done.toLocaleString('en')} of ${shown}`))
  tell('')
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  const gib = (statSync(path).size / 2 ** 30).toFixed(2)
  console.log(
    `\n${`${shown} calls`.padEnd(36)}     median      worst      first, ms  (seeded in ${seconds} s, ${gib} GiB)`,
  )
  const store = openStore(path)
  try {
    for (const [name, ask] of Object.entries(questions(await anId(store)))) {
      tell(name)
      const took: number[] = []
      for (let round = 0; round <= times; round++) {
        const at = performance.now()
        await ask(store)
        took.push(performance.now() - at)
      }
      const [first, ...rest] = took as [number, ...number[]]
      tell('')
      console.log(`${name.padEnd(36)} ${[median(rest), Math.max(...rest), first].map(inColumn).join(' ')}`)
    }
  } finally {
    await store.close()
  }
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
}

function inColumn(ms: number): string {
  return ms.toFixed(2).padStart(10)
}

/** Where nobody watches it would stand among the results. */
function tell(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`)
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { expect, it, onTestFinished } from 'vitest'
import { aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'
import { within } from '../../support/within.ts'

const calls = 4_000
const kills = 12
const midnight = Date.UTC(2026, 10, 21)

it('a process that is killed again and again while it appends leaves no half row, no row twice and none missing', {
  timeout: 60_000,
}, async () => {
  const { directory, local, remove } = aDatabase()
  onTestFinished(remove)
  const records = Array.from({ length: calls }, (_, number) =>
    aRecord({
      id: `id-${number}`,
      atMs: midnight + (number - calls / 2) * 60_000,
      metadata: { llm_model: `${'"a, long", =name\r\n'.repeat(20)}` },
    }),
  )
  local.commit({ ...emptyBatch, records })

  let killed = 0
  for (let end: number | null = null; end !== 0; ) {
    const mayLiveMs = killed < kills ? 2 + Math.random() * 40 : null
    end = await writerIn(directory, mayLiveMs)
    if (end === null) killed++
  }

  expect(killed).toBeGreaterThan(kills / 2)
  const rows = readdirSync(join(directory, 'csv')).flatMap((name): Record<string, string>[] => {
    const text = readFileSync(join(directory, 'csv', name), 'utf8')
    if (text !== '') expect(text).toMatch(/\r\n$/)
    return parse(text, { columns: true, record_delimiter: '\r\n' })
  })
  expect(rows.map(({ request_id }) => request_id).sort()).toEqual(records.map(({ telemetry }) => telemetry._id).sort())
})

/** Resolves to the exit code, null after a kill. */
async function writerIn(home: string, mayLiveMs: number | null): Promise<number | null> {
  const entry = join(import.meta.dirname, 'dying-writer.ts')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, home], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const ended = once(child, 'close')
    await within(10_000, 'the writer to begin', Promise.race([once(child.stdout, 'data'), ended]))
    child.stdout.resume()
    if (mayLiveMs !== null) {
      await delay(mayLiveMs)
      child.kill('SIGKILL')
    }
    const [code] = await within(30_000, 'the writer to end', ended)
    return code
  } finally {
    child.kill('SIGKILL')
  }
}

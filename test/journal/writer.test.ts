import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { segmentPath } from '../../src/journal/segments.ts'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { closeOf, framesIn, headOf, openOf, temporaryDir } from './support.ts'

const clock = systemClock
const segmentBytes = 1024 * 1024

it('has every frame of a turn on the disk when its callbacks run, in order', async () => {
  const dir = temporaryDir()
  const journal = openJournal({ dir, clock, segmentBytes })
  const seen: string[] = []
  await new Promise<void>((resolve) => {
    const exchange = journal.open(openOf('a'), (safe) =>
      seen.push(`open ${safe} ${framesIn(dir, journal.epoch).length}`),
    )
    journal.data(exchange, 'request', 0, 1.5, Buffer.from('{"a":1}'))
    journal.head(exchange, headOf())
    journal.data(exchange, 'response', 0, 2.5, Buffer.alloc(5000, 'x'))
    journal.close(exchange, closeOf(7, 5000), (safe) => {
      seen.push(`close ${safe} ${framesIn(dir, journal.epoch).length}`)
      resolve()
    })
    expect(seen).toEqual([])
  })
  expect(seen).toEqual(['open true 5', 'close true 5'])
  expect(framesIn(dir, journal.epoch).map(({ type, side, offset, atMs }) => [type, side, offset, atMs])).toEqual([
    ['open', 'request', 0, 0],
    ['data', 'request', 0, 1.5],
    ['head', 'request', 0, 0],
    ['data', 'response', 0, 2.5],
    ['close', 'request', 0, 0],
  ])
  expect(journal.counters.writes).toBe(1)
  await journal.end()
})

it('keeps its files to its owner and leaves no empty segment behind', async () => {
  const dir = temporaryDir()
  const journal = openJournal({ dir, clock, segmentBytes: 4096 })
  for (let call = 0; call < 20; call++) {
    await new Promise<void>((resolve) => {
      const exchange = journal.open(openOf(`call ${call}`), () => {})
      journal.close(exchange, closeOf(), () => resolve())
    })
  }
  await journal.end()
  const names = readdirSync(join(dir, journal.epoch)).sort()
  expect(names.length).toBeGreaterThan(3)
  for (const name of names) {
    const { mode, size } = statSync(join(dir, journal.epoch, name))
    expect(mode & 0o777).toBe(0o600)
    expect(size).toBeGreaterThan(128)
    expect(size).toBeLessThanOrEqual(4096)
  }
  expect(framesIn(dir, journal.epoch)).toHaveLength(41)
  expect(framesIn(dir, journal.epoch).at(-1)!.type).toBe('end')
  expect(readFileSync(segmentPath(dir, journal.epoch, 1), 'latin1').startsWith('SGJOURNL')).toBe(true)
})

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
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

it('writes the same journal through the thread pool, in order, while the disk counts as slow', async () => {
  const dir = temporaryDir()
  const journal = openJournal({ dir, clock, segmentBytes: 100_000, stallMs: -1 })
  const order: number[] = []
  const body = (exchange: number) => Buffer.alloc(1 + ((exchange * 997) % 4000), `${exchange}`)
  await new Promise<void>((resolve) => {
    let open = 300
    const next = () => {
      for (let count = 0; count < 7 && open > 0; count++) {
        const last = --open === 0
        const exchange = journal.open(openOf('a'), () => {})
        journal.data(exchange, 'response', 0, 1, body(exchange))
        journal.close(exchange, closeOf(), (safe) => {
          if (safe) order.push(exchange)
          if (last) resolve()
        })
      }
      if (open > 0) setImmediate(next)
    }
    next()
  })
  expect(journal.counters.stalled).toBe(true)
  expect(journal.counters.writes).toBeLessThan(300)
  expect(order).toEqual(Array.from({ length: 300 }, (_, place) => place + 1))
  await journal.end()
  const frames = framesIn(dir, journal.epoch)
  expect(frames.map(({ type, exchange }) => `${type} ${exchange}`)).toEqual([
    ...order.flatMap((exchange) => [`open ${exchange}`, `data ${exchange}`, `close ${exchange}`]),
    'end 0',
  ])
  for (const { type, exchange, payload } of frames) {
    if (type === 'data') expect(payload.equals(body(exchange))).toBe(true)
  }
})

it('tells whoever reads along after each write', async () => {
  const dir = temporaryDir()
  const seen: number[] = []
  const journal = openJournal({ dir, clock, segmentBytes, wake: () => seen.push(framesIn(dir, journal.epoch).length) })
  for (let call = 0; call < 2; call++) {
    await new Promise<void>((resolve) => journal.open(openOf('a'), () => resolve()))
  }
  expect(seen).toEqual([1, 2])
  await journal.end()
})

it('refuses to begin where nothing can be written', () => {
  const file = join(temporaryDir(), 'a-file')
  writeFileSync(file, '')
  expect(() => openJournal({ dir: join(file, 'journal'), clock, segmentBytes })).toThrow('ENOTDIR')
})

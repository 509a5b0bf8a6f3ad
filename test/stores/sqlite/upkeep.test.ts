import { expect, it } from 'vitest'
import type { PurgeStep } from '../../../src/stores/sqlite/purge.ts'
import type { RetentionDays } from '../../../src/stores/sqlite/retention.ts'
import type { Trimming } from '../../../src/stores/sqlite/space.ts'
import { createUpkeep, type UpkeepOptions } from '../../../src/stores/sqlite/upkeep.ts'
import { VirtualTime } from '../../delivery/virtual-time.ts'

const days: RetentionDays = { bodies: 1, words: 2, records: 3, rollups: 4, connectionLogs: 5, metrics: 6 }
const none = { bodies: 0, words: 0, records: 0, rollups: 0, connection_logs: 0, metrics: 0 }

/** Upkeep in virtual time of a store that does what the test says, and writes down what it was asked. */
function keeping(store: {
  purge?: () => PurgeStep
  trim?: () => Trimming
  retain?: () => boolean
  giveBack?: (all: boolean) => boolean
  counts?: Partial<typeof none>
}) {
  const time = new VirtualTime()
  const beganMs = time.mono()
  const happened: string[] = []
  const log: string[] = []
  const note = (what: string) => void happened.push(`${what} ${time.mono() - beganMs}`)
  const parts: UpkeepOptions['store'] = {
    purges: {
      ask: () => expect.unreachable(),
      isPurged: () => false,
      step: store.purge ?? (() => 'idle'),
      forget: () => {
        note('forget purges')
        return 0
      },
    },
    retention: {
      begin: () => note('begin'),
      step: store.retain ?? (() => false),
      counts: () => ({ ...none, ...store.counts }),
    },
    space: {
      isFull: () => false,
      trim: store.trim ?? (() => 'fits'),
      giveBack: store.giveBack ?? (() => false),
      size: () => ({ usedBytes: 0, fileBytes: 0 }),
      counts: () => ({ bodies: 0, records: 0 }),
    },
    checkpoint: () => note('checkpoint'),
  }
  const upkeep = createUpkeep({
    store: parts,
    days,
    limitBytes: () => 1,
    purged: () => note('purged'),
    clock: time,
    log: { info: (message) => void log.push(message), warn: (message) => void log.push(message) },
    sleep: time.sleep,
  })
  const run = upkeep.run()
  const end = () => {
    upkeep.stop()
    return time.until(run)
  }
  return { time, happened, log, upkeep, end }
}

it('retention runs soon after the start and then each hour, and says what it took', async () => {
  let steps = 0
  const { time, happened, log, end } = keeping({ retain: () => ++steps % 3 !== 0, counts: { records: 7 } })
  await time.pass(3 * 3_600_000)
  await end()
  const begins = happened.filter((what) => what.startsWith('begin'))
  expect(begins).toHaveLength(3)
  expect(begins[0]).toMatch(/^begin 3[0-4]\d\d$/)
  expect(steps).toBe(9)
  expect(log).toEqual(Array(3).fill('retention deleted what was too old'))
  expect(happened.filter((what) => what.startsWith('forget'))).toHaveLength(2) // not before the journal was read
})

it('a purge is carried out at once, others are told, and the log of writes goes', async () => {
  const steps: PurgeStep[] = ['idle', 'more', 'more', 'purged']
  const { time, happened, upkeep, end } = keeping({ purge: () => steps.shift() ?? 'idle' })
  await time.pass(1)
  upkeep.wake()
  await time.pass(100)
  expect(happened).toEqual(['purged 11', 'checkpoint 11'])
  await end()
})

it('purges come before everything else', async () => {
  let purging = 100
  let trims = 0
  const { time, end } = keeping({
    purge: () => (purging-- > 0 ? 'more' : 'idle'),
    trim: () => {
      expect(purging).toBeLessThan(0)
      trims++
      return 'fits'
    },
  })
  await time.pass(10_000)
  await end()
  expect(trims).toBeGreaterThan(0)
})

it('leaves time between its steps', async () => {
  let steps = 0
  const { time, end } = keeping({
    trim: () => {
      steps++
      return 'more'
    },
  })
  await time.pass(1_000)
  await end()
  expect(steps).toBeLessThan(250)
  expect(steps).toBeGreaterThan(100)
})

it('what fails is told once and tried again, and stops nothing else', async () => {
  let failures = 3
  const { time, happened, log, end } = keeping({
    trim: () => {
      if (failures-- > 0) throw new Error('database is locked')
      return 'fits'
    },
  })
  await time.pass(60_000)
  await end()
  expect(log).toEqual([
    'keeping the embedded database within its size failed; trying again',
    'keeping the embedded database within its size works again',
  ])
  expect(happened.filter((what) => what.startsWith('begin'))).toHaveLength(1)
})

it('with nothing left that may go, it looks again each minute, and says so once', async () => {
  let trims = 0
  const { time, log, end } = keeping({
    trim: () => {
      trims++
      return 'stuck'
    },
  })
  await time.pass(5 * 60_000 - 1)
  await end()
  expect(trims).toBe(5)
  expect(log).toEqual([
    'the embedded database is at its size limit with what may not go: what is to be delivered, and sums',
  ])
})

it('free space is given back whole after something was deleted, and the file made smaller', async () => {
  const asked: boolean[] = []
  let pages = 0
  const steps: PurgeStep[] = ['purged']
  const { time, happened, end } = keeping({
    purge: () => {
      if (steps[0] === 'purged') pages = 4
      return steps.shift() ?? 'idle'
    },
    giveBack(all) {
      asked.push(all)
      return all && pages-- > 0
    },
  })
  await time.pass(1_000)
  await end()
  expect(asked.slice(0, 6)).toEqual([true, true, true, true, true, false])
  expect(happened.filter((what) => what.startsWith('checkpoint'))).toHaveLength(2)
})

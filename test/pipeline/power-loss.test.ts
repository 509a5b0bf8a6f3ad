import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Recorder } from '../../src/pipeline/recorder.ts'
import { seeded } from '../faults/seeded.ts'
import { script } from '../journal/actions.ts'
import { JournalUnderTest } from '../journal/journal-under-test.ts'
import { PowerStore } from './power-store.ts'
import { collecting, drain, recorderOn } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it.each(['write', 'sync'] as const)(
  'records every promised call once and whole with durability %s, whatever happens to disk, process and power',
  async (durability) => {
    const numRuns = Number(process.env.MODEL_RUNS ?? 300)
    await fc.assert(
      fc.asyncProperty(script, fc.nat(), fc.nat({ max: 5 }), async (actions, seed, eager) => {
        const test = new JournalUnderTest(seed, { durability })
        const random = seeded(seed + 1)
        let store = new PowerStore()
        const { exchanges, toRecord } = collecting()
        const start = (): Recorder =>
          recorderOn(test.dir, store, { liveEpochs: [test.journal.epoch], toRecord, batchRecords: 2, chunkBytes: 700 })
        let recorder = start()
        try {
          for (const one of actions) {
            const { epoch } = test.journal
            await test.act(one)
            if (one.do === 'power') store = store.afterPowerLoss(random)
            if (test.journal.epoch !== epoch) {
              recorder.close()
              recorder = start()
            }
            if (random.whole(0, 5) >= eager) await recorder.step()
          }
          await test.act({ do: 'fault', fault: 'none' })
          await test.act({ do: 'wait', ms: 10_000 })
          await test.act({ do: 'crash' })
          recorder = start()
          await drain(recorder)
          expect(store.repeated).toEqual([])
          for (const { id, closed, whole } of test.promisedCalls()) {
            const exchange = exchanges.get(id)
            expect([id, store.records.has(id)]).toEqual([id, true])
            if (closed) expect(exchange?.close, id).toBeTruthy()
            if (whole)
              expect([id, exchange?.response]).toMatchObject([id, { whole: true, size: test.texts.get(id)!.length }])
          }
          for (const [id, { response }] of exchanges) {
            for (const { offset, bytes } of response.pieces) {
              expect(test.texts.get(id)!.slice(offset, offset + bytes.length)).toBe(Buffer.from(bytes).toString())
            }
          }
        } finally {
          recorder.close()
          test.end()
        }
      }),
      { numRuns },
    )
  },
  120_000,
)

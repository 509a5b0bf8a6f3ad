import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Refused, type Sink } from '../../src/delivery/sink.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { aRecord } from '../support/records.ts'

/** A sink over an empty place, and a look at what arrived there. */
export interface SinkUnderTest {
  sink: Sink
  /** Ids that are there, in any order. */
  ids(): Promise<readonly string[]>
  /** A record that this sink can never take, or null when there is none. */
  refused: StoredRecord | null
  close(): Promise<void>
}

/** What every sink promises, whatever it sends to. */
export function sinkSuite(name: string, make: () => Promise<SinkUnderTest>): void {
  describe(`${name} as a sink`, () => {
    let under: SinkUnderTest
    const { signal } = new AbortController()

    beforeEach(async () => {
      under = await make()
    })
    afterEach(async () => {
      await under.close()
    })

    const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ telemetry }) => telemetry._id).sort()
    const stored = async (): Promise<string[]> => [...(await under.ids())].sort()

    it('has what was written once write resolves', async () => {
      const batch = [aRecord(), aRecord()]
      await under.sink.write(batch, signal)
      expect(await stored()).toEqual(idsOf(batch))
    })

    it('counts a batch once that arrives twice, also when only part of it was there', async () => {
      const batch = [aRecord(), aRecord(), aRecord()]
      await under.sink.write(batch.slice(0, 1), signal)
      await under.sink.write(batch, signal)
      await under.sink.write(batch, signal)
      expect(await stored()).toEqual(idsOf(batch))
    })

    it('takes an empty batch', async () => {
      await under.sink.write([], signal)
      expect(await stored()).toEqual([])
    })

    it('stops before it begins when it is told to', async () => {
      await expect(under.sink.write([aRecord()], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
      expect(await stored()).toEqual([])
    })

    it('says Refused of what it can never take, and still takes the rest', async () => {
      if (under.refused === null) return
      await expect(under.sink.write([under.refused], signal)).rejects.toThrow(Refused)
      const good = aRecord()
      await under.sink.write([good], signal)
      expect(await stored()).toEqual(idsOf([good]))
    })

    it('takes text of any kind: empty, with NUL, beyond the basic plane, half a surrogate pair', async () => {
      const batch = ['', 'a\0b', '😀', '\ud800'].map((prompt) => aRecord({ run: { prompt, completion: prompt } }))
      await under.sink.write(batch, signal)
      expect(await stored()).toEqual(idsOf(batch))
    })
  })
}

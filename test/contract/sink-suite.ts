import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Refused, type Sink } from '../../src/delivery/sink.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { aRecord } from '../support/records.ts'

/** A sink over an empty place, and a look at what arrived there. */
export interface SinkUnderTest<Item = StoredRecord> {
  sink: Sink<Item>
  /** Ids that are there, in any order. */
  ids(): Promise<readonly string[]>
  /** An item that this sink can never take, or null when there is none. */
  refused: Item | null
  close(): Promise<void>
}

/** What is sent, made new each time, with a text in it. */
export interface SinkItems<Item> {
  anItem(text: string): Item
  idOf(item: Item): string
}

const records: SinkItems<StoredRecord> = {
  anItem: (text) => aRecord({ run: { prompt: text, completion: text } }),
  idOf: ({ telemetry }) => telemetry._id,
}

/** What every sink promises, whatever it sends to. */
export const sinkSuite = (name: string, make: () => Promise<SinkUnderTest>): void => sinkSuiteOf(name, records, make)

/** The same for a sink of other items. */
export function sinkSuiteOf<Item>(
  name: string,
  { anItem, idOf }: SinkItems<Item>,
  make: () => Promise<SinkUnderTest<Item>>,
): void {
  describe(`${name} as a sink`, () => {
    let under: SinkUnderTest<Item>
    const { signal } = new AbortController()

    beforeEach(async () => {
      under = await make()
    })
    afterEach(async () => {
      await under.close()
    })

    const idsOf = (items: readonly Item[]): string[] => items.map(idOf).sort()
    const stored = async (): Promise<string[]> => [...(await under.ids())].sort()

    it('has what was written once write resolves', async () => {
      const batch = [anItem('one'), anItem('two')]
      await under.sink.write(batch, signal)
      expect(await stored()).toEqual(idsOf(batch))
    })

    it('counts a batch once that arrives twice, also when only part of it was there', async () => {
      const batch = [anItem('one'), anItem('two'), anItem('three')]
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
      await expect(under.sink.write([anItem('one')], AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
      expect(await stored()).toEqual([])
    })

    it('says Refused of what it can never take, and still takes the rest', async () => {
      if (under.refused === null) return
      await expect(under.sink.write([under.refused], signal)).rejects.toThrow(Refused)
      const good = anItem('good')
      await under.sink.write([good], signal)
      expect(await stored()).toEqual(idsOf([good]))
    })

    it('takes text of any kind: empty, with NUL, beyond the basic plane, half a surrogate pair', async () => {
      const batch = ['', 'a\0b', '😀', '\ud800'].map(anItem)
      await under.sink.write(batch, signal)
      expect(await stored()).toEqual(idsOf(batch))
    })
  })
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Refused, type Sink } from '../../src/delivery/sink.ts'
import type { Purge } from '../../src/records/purge.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { aMoment, aPurge, aRecord } from '../support/records.ts'

/** A sink over an empty place, and a look at what arrived there. */
export interface SinkUnderTest<Item = StoredRecord> {
  sink: Sink<Item>
  /** Ids that are there, in any order. */
  ids(): Promise<readonly string[]>
  /** An item that this sink can never take, or null when there is none. */
  refused: Item | null
  close(): Promise<void>
}

/** A sink of records, which may be able to delete. */
export interface RecordSinkUnderTest extends SinkUnderTest {
  /** Has it carry out a purge to its end; what it counted of calls. Null: the sink cannot delete. */
  purge: ((purge: Purge) => Promise<number>) | null
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
export function sinkSuite(name: string, make: () => Promise<RecordSinkUnderTest>): void {
  sinkSuiteOf(name, records, make)
  purgeSuite(name, make)
}

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

function purgeSuite(name: string, make: () => Promise<RecordSinkUnderTest>): void {
  describe(`a purge of ${name} as a sink`, () => {
    let under: RecordSinkUnderTest
    const { signal } = new AbortController()

    beforeEach(async () => {
      under = await make()
    })
    afterEach(async () => {
      await under.close()
    })

    const idsOf = (items: readonly StoredRecord[]): string[] => items.map(records.idOf).sort()
    const stored = async (): Promise<string[]> => [...(await under.ids())].sort()

    const mixed = ['ada', 'bob', null].flatMap((user_id) =>
      ['acme', 'beta'].flatMap((project_id) =>
        [aMoment - 1, aMoment].map((atMs) =>
          aRecord({ atMs, metadata: { user_id, soeid: user_id, project_id }, run: { soeid: user_id } }),
        ),
      ),
    )

    it.each([
      [{ user: 'ada' }],
      [{ project: 'beta' }],
      [{ beforeMs: aMoment }],
      [{ user: 'bob', project: 'acme' }],
      [{ user: 'ada', beforeMs: aMoment }],
      [{ user: 'bob', project: 'beta', beforeMs: aMoment }],
      [{ user: 'nobody' }],
    ])('of %j deletes what has all of it, counts it, and finds nothing the second time', async (named) => {
      if (under.purge === null) return
      await under.sink.write(mixed, signal)
      const isMeant = ({ telemetry: { timestamp_ms, metadata } }: StoredRecord): boolean =>
        ('user' in named ? metadata.user_id === named.user : true) &&
        ('project' in named ? metadata.project_id === named.project : true) &&
        ('beforeMs' in named ? timestamp_ms < Number(named.beforeMs) : true)
      const meant = mixed.filter(isMeant).length
      expect(await under.purge(aPurge({ ...named, dry: true }))).toBe(meant)
      expect(await stored()).toEqual(idsOf(mixed))
      expect(await under.purge(aPurge(named))).toBe(meant)
      expect(await stored()).toEqual(idsOf(mixed.filter((record) => !isMeant(record))))
      expect(await under.purge(aPurge(named))).toBe(0)
    })

    it('never deletes a call that began at its moment or later', async () => {
      if (under.purge === null) return
      await under.sink.write(mixed, signal)
      await under.purge(aPurge({ project: 'acme', boundMs: aMoment }))
      expect(await stored()).toEqual(
        idsOf(
          mixed.filter(
            ({ telemetry }) => telemetry.metadata.project_id !== 'acme' || telemetry.timestamp_ms === aMoment,
          ),
        ),
      )
    })

    it('of more than fits into one step comes to its end', async () => {
      if (under.purge === null) return
      const many = Array.from({ length: 2_345 }, () => aRecord())
      const other = aRecord({ metadata: { user_id: 'bob' } })
      await under.sink.write([...many, other], signal)
      expect(await under.purge(aPurge({ user: 'ada' }))).toBe(many.length)
      expect(await stored()).toEqual(idsOf([other]))
    }, 60_000)
  })
}

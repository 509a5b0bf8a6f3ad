import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { type LocalOutbox, openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import { openStore } from '../../../src/stores/sqlite/query.ts'
import type { RetentionDays } from '../../../src/stores/sqlite/retention.ts'
import { aMoment, type RecordOverrides } from '../../support/records.ts'
import { EmbeddedUnderTest } from './under-test.ts'

const day = 86_400_000
const forEver: RetentionDays = { bodies: 0, words: 0, records: 0, rollups: 0, connectionLogs: 0, metrics: 0 }
/** 31 days after the moment of the records. */
const nowMs = aMoment + 31 * day

const under = new EmbeddedUnderTest()
const stored = (...overrides: RecordOverrides[]) => under.store(...overrides)
const old = aMoment
const young = aMoment + 2 * day
const idsOf = (records: readonly StoredRecord[]): string[] => records.map(({ telemetry }) => telemetry._id)

function retained(days: Partial<RetentionDays>, atMs = nowMs) {
  under.local.retention.begin({ ...forEver, ...days }, atMs)
  while (under.local.retention.step());
  return under.local.retention.counts()
}
const idsLeft = (): string[] => under.all('SELECT id FROM telemetry ORDER BY seq').map(({ id }) => String(id))
const changes = (sql: string): void => under.change(sql)
/** An answer of the store as questions get it. */
const asked = async <T>(ask: (store: ReturnType<typeof openStore>) => Promise<T>): Promise<T> => {
  const store = openStore(under.path)
  try {
    return await ask(store)
  } finally {
    await store.close()
  }
}

describe('days of retention', () => {
  it('take records that are older, and leave the others whole (M15, X6)', async () => {
    const [gone, kept] = stored({ atMs: old }, { atMs: young })
    const counts = retained({ records: 30 })
    expect(counts).toMatchObject({ records: 1, bodies: 0, words: 0 })
    expect(idsLeft()).toEqual(idsOf([kept!]))
    await asked(async (store) => {
      expect(await store.run(null, gone!.telemetry._id)).toBeNull()
      expect((await store.run(null, kept!.telemetry._id))?.run).toEqual(kept!.run)
      expect((await store.status()).counts).toMatchObject({ telemetry: 1, llm_runs: 1 })
      expect((await store.deleted()).byAge.records).toBe(1)
    })
  })

  it('keep for ever with 0', () => {
    stored({ atMs: 0 }, { atMs: old })
    expect(Object.values(retained({})).every((count) => count === 0)).toBe(true)
    expect(idsLeft()).toHaveLength(2)
  })

  it('go by the moment to the millisecond', () => {
    stored({ atMs: nowMs - 30 * day - 1 }, { atMs: nowMs - 30 * day })
    retained({ records: 30 })
    expect(idsLeft()).toHaveLength(1)
  })

  it('leave sums and counters as they are: usage stays exact', async () => {
    stored({ atMs: old }, { atMs: old + 1 }, { atMs: young })
    const usage = () => asked((store) => store.usage(null, { groupBy: ['day', 'project', 'model'] }))
    const totals = () => asked((store) => store.totals())
    const before = [await usage(), await totals()]
    retained({ records: 30 })
    expect(idsLeft()).toHaveLength(1)
    expect([await usage(), await totals()]).toEqual(before)
  })

  it('for bodies take the bytes and the times of their pieces, and nothing else', async () => {
    const [gone, kept, empty] = stored({ atMs: old }, { atMs: young }, { atMs: old, requestBytes: new Uint8Array(0) })
    expect(retained({ bodies: 30 })).toMatchObject({ bodies: 2, records: 0 })
    await asked(async (store) => {
      const id = gone!.telemetry._id
      const bare = (facts: StoredRecord['run']['request_body']) => ({ ...facts, kept: 0, truncated: facts.size > 0 })
      expect(await store.run(null, id)).toEqual({
        telemetry: gone!.telemetry,
        run: {
          ...gone!.run,
          request_body: bare(gone!.run.request_body),
          response_body: bare(gone!.run.response_body),
        },
        chunkTimes: null,
      })
      expect([await store.body(null, id, 'request'), await store.body(null, id, 'response')]).toEqual([null, null])
      expect(await store.body(null, kept!.telemetry._id, 'response')).not.toBeNull()
      expect((await store.run(null, empty!.telemetry._id))?.run.request_body.truncated).toBe(false)
    })
    expect(retained({ bodies: 30 })).toMatchObject({ bodies: 0 })
  })

  it('for what was said take every word of it, and leave the numbers', async () => {
    const words = 'nobody must read this again'
    const said = {
      prompt: words,
      completion: words,
      messages: [{ role: 'user', content: words }],
      choices: [{ text: words }],
      reasoning: words,
      tool_calls: [{ function: { arguments: words } }],
      refusal: words,
      parameters: { system: words },
      metadata: { ollama_response: words },
      request_headers: [['x-said', words]] as const,
    }
    const [gone] = stored({ atMs: old, run: said, requestBytes: Buffer.from(words) }, { atMs: young })
    expect(retained({ words: 30 })).toMatchObject({ words: 1, bodies: 0 })
    await asked(async (store) => {
      const found = await store.run(null, gone!.telemetry._id)
      expect(JSON.stringify(found)).not.toContain(words)
      expect(found?.telemetry).toEqual(gone!.telemetry)
      expect(found?.run).toMatchObject({ total_tokens: 17, model: 'gpt-4o-mini', prompt: null, text_truncated: true })
      const { items } = await store.runs(null, { limit: 10 })
      expect(items.map(({ prompt }) => prompt)).toEqual(['Say hello to the world', null])
      expect((await store.runs(null, { limit: 10, text: words })).items).toEqual([])
    })
    expect(JSON.stringify(under.all('SELECT * FROM documents'))).not.toContain(words)
    expect(retained({ words: 30 })).toMatchObject({ words: 0 })
  })

  it('pass over a document that cannot be read, and take its bytes and words all the same', () => {
    stored({ atMs: old }, { atMs: old })
    changes(`UPDATE documents SET run = '{torn, and said' WHERE seq = 1`)
    expect(retained({ bodies: 30 })).toMatchObject({ bodies: 2 })
    expect(retained({ words: 30 })).toMatchObject({ words: 2 })
    expect(retained({ records: 30 })).toMatchObject({ records: 2 })
  })

  it('for sums take the hours and days that ended before', async () => {
    stored({ atMs: aMoment - 3 * day }, { atMs: aMoment })
    expect(retained({ rollups: 2 }, aMoment)).toMatchObject({ rollups: 5 })
    const usage = await asked((store) => store.usage(null, { groupBy: ['day'] }))
    expect(usage.groups.map(({ group }) => group.day)).toEqual(['2026-11-20'])
    stored({ atMs: aMoment - 3 * day })
    expect(under.all('SELECT requests FROM rollups WHERE level = 2 ORDER BY start_ms')).toEqual([
      { requests: 1 },
      { requests: 1 },
    ])
  })

  it('for events and hourly sums take the older rows', () => {
    const rows = [old, young].flatMap((ms) => [
      `INSERT INTO connection_logs VALUES (NULL, 'e${ms}', ${ms}, 'a', 'b', 'c', '{}')`,
      `INSERT INTO metrics VALUES (NULL, 'm${ms}', ${ms}, 'hourly', '{}')`,
    ])
    changes(rows.join(';'))
    expect(retained({ connectionLogs: 30, metrics: 30 })).toMatchObject({ connection_logs: 1, metrics: 1 })
    for (const table of ['connection_logs', 'metrics'])
      expect(under.all(`SELECT timestamp_ms FROM ${table}`)).toEqual([{ timestamp_ms: young }])
  })

  it('for events and hourly sums leave what a sink has not taken, or refused', () => {
    changes(
      [1, 2, 3]
        .map((place) => `INSERT INTO connection_logs VALUES (${place}, 'e${place}', ${old}, 'a', 'b', 'c', '{}')`)
        .join(';'),
    )
    const left = () => under.all('SELECT place FROM connection_logs ORDER BY place').map(({ place }) => place)
    under.reopen({ sinks: ['far'] })
    retained({ connectionLogs: 30 })
    expect(left()).toEqual([1, 2, 3])
    changes(`INSERT INTO diary_sinks VALUES ('far', 'connection_logs', 'there', 2, 1)`)
    changes(`INSERT INTO diary_quarantine VALUES ('far', 'connection_logs', 1, 'e1', 'unreadable', 'no', ${old})`)
    retained({ connectionLogs: 30 })
    expect(left()).toEqual([1, 3])
  })

  it('work in small transactions, and begin again after one that failed', () => {
    stored(...Array.from({ length: 5_000 }, () => ({ atMs: old })))
    under.local.retention.begin({ ...forEver, records: 30 }, nowMs)
    let longest = 0
    let steps = 0
    for (let more = true; more; steps++) {
      const beganMs = performance.now()
      more = under.local.retention.step()
      longest = Math.max(longest, performance.now() - beganMs)
      if (steps === 1) {
        changes("CREATE TRIGGER no BEFORE DELETE ON telemetry BEGIN SELECT raise(FAIL, 'not now'); END")
        expect(() => under.local.retention.step()).toThrow('not now')
        changes('DROP TRIGGER no')
        under.local.retention.begin({ ...forEver, records: 30 }, nowMs)
      }
    }
    expect(idsLeft()).toEqual([])
    expect(steps).toBeGreaterThan(3)
    expect(longest).toBeLessThan(1_000)
  })
})

describe('retention beside a sink', () => {
  let outbox: LocalOutbox
  const opened = (target = 'there') =>
    openOutbox({ path: under.path, sinks: [{ name: 'far', target }], clock: { wall: () => nowMs } })

  beforeEach(() => {
    under.reopen({ sinks: ['far'] })
  })
  afterEach(() => outbox.close())

  const next = () => outbox.next('far', { records: 100, bytes: 10 ** 7 })
  const takeTotals = () => {
    for (let changed = outbox.changedRollups('far', 50); changed.length > 0; changed = outbox.changedRollups('far', 50))
      outbox.settleRollups('far', changed.at(-1)!.version)
  }
  const everything = { records: 1, words: 1, bodies: 1 }

  it('takes nothing from what the sink has not taken: neither records nor totals', () => {
    outbox = opened()
    const records = stored({ atMs: old }, { atMs: old }, { atMs: old })
    expect(retained(everything)).toMatchObject({ records: 0, words: 0, bodies: 0 })
    outbox.settle('far', next()[1]!.place, [])
    expect(retained(everything)).toMatchObject({ records: 0, words: 2 })
    expect(idsLeft()).toEqual(idsOf(records)) // their totals were not taken
    takeTotals()
    expect(retained(everything)).toMatchObject({ records: 2 })
    expect(idsLeft()).toEqual(idsOf(records.slice(2)))
    expect(next().map(({ record }) => record.run.prompt)).toEqual(['Say hello to the world'])
    expect(outbox.counters('far')).toEqual({ accepted: 3, stored: 2, pending: 1, quarantined: 0, dropped: 0 })
  })

  it('takes nothing before a sink that is named has begun', () => {
    stored({ atMs: old })
    expect(retained(everything)).toMatchObject({ records: 0 })
    outbox = opened()
    expect(next()).toHaveLength(1)
  })

  it('never takes what is in quarantine', () => {
    outbox = opened()
    const [bad] = stored({ atMs: old }, { atMs: old })
    const batch = next()
    const refusal = { place: batch[0]!.place, id: bad!.telemetry._id, code: '121', message: 'no' }
    outbox.settle('far', batch[1]!.place, [refusal])
    takeTotals()
    expect(retained(everything)).toMatchObject({ records: 1 })
    expect(idsLeft()).toEqual(idsOf([bad!]))
    expect(outbox.counters('far')).toEqual({ accepted: 2, stored: 1, pending: 0, quarantined: 1, dropped: 0 })
  })

  it('goes on when the settings name the sink no more; what it never got counts as dropped should it come back', () => {
    outbox = opened()
    stored({ atMs: old }, { atMs: old, metadata: { project_id: 'beta' } })
    outbox.settle('far', next()[0]!.place, [])
    takeTotals()
    stored({ atMs: young })
    outbox.close()
    under.reopen()
    expect(retained({ records: 30 })).toMatchObject({ records: 2 })
    outbox = opened()
    expect(outbox.counters('far')).toEqual({ accepted: 3, stored: 1, pending: 1, quarantined: 0, dropped: 1 })
    outbox.settle('far', next()[0]!.place, [])
    const taken = new Set<string>()
    for (let changed = outbox.changedRollups('far', 4); changed.length > 0; changed = outbox.changedRollups('far', 4)) {
      for (const { row } of changed) taken.add(`${row.project} ${row.level} ${row.startMs}`)
      outbox.settleRollups('far', changed.at(-1)!.version)
    }
    expect(taken.size).toBe(under.all('SELECT 1 FROM rollups').length)
  })

  it('brings a new sink whole records of which words and bytes are gone', () => {
    const records = stored({ atMs: old }, { atMs: young })
    under.reopen()
    retained({ words: 30 })
    outbox = opened('elsewhere')
    expect(next().map(({ record }) => [record.telemetry, record.run.prompt, record.requestBytes === null])).toEqual([
      [records[0]!.telemetry, null, true],
      [records[1]!.telemetry, 'Say hello to the world', false],
    ])
  })
})

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Purge, PurgeWish } from '../../../src/records/purge.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { type LocalOutbox, openOutbox } from '../../../src/stores/sqlite/outbox.ts'
import { openStore } from '../../../src/stores/sqlite/query.ts'
import { aMoment, aRecord, type RecordOverrides } from '../../support/records.ts'
import { EmbeddedUnderTest } from './under-test.ts'

const all = { records: 1_000, bytes: 8 * 1024 * 1024 }
const hour = 3_600_000
const day = 24 * hour
const nowMs = aMoment + 2 * hour

const under = new EmbeddedUnderTest()
const stored = (...overrides: RecordOverrides[]) => under.store(...overrides)
const by = (user: string, project = 'acme', atMs = aMoment): RecordOverrides => ({
  atMs,
  metadata: { user_id: user, project_id: project },
})
const idOf = ({ telemetry }: StoredRecord): string => telemetry._id
const wish = (named: Partial<PurgeWish>): PurgeWish => ({
  project: null,
  user: null,
  beforeMs: null,
  dry: false,
  ...named,
})

function purged(named: Partial<PurgeWish>, atMs = nowMs): Purge {
  const purge = under.local.purges.ask(wish(named), atMs)
  while (under.local.purges.step(atMs) !== 'idle');
  return purge
}

const idsLeft = (): string[] =>
  under.all('SELECT id FROM telemetry JOIN documents USING (seq) ORDER BY seq').map(({ id }) => String(id))
const rowsOf = (table: string): number => under.count(table)
const countsOf = ({ number }: Purge, part = 'embedded'): unknown =>
  JSON.parse(
    String(under.all(`SELECT counts FROM purge_parts WHERE purge = ${number} AND part = '${part}'`)[0]?.counts),
  )
const usage = async (groupBy: readonly ('project' | 'user' | 'model' | 'day')[]) => {
  const store = openStore(under.path)
  const answer = await store.usage(null, { groupBy })
  await store.close()
  return answer.groups.map(({ group, requests }) => [...Object.values(group), requests])
}

describe('a purge of the embedded database', () => {
  it('deletes what has all that is named, and nothing else', () => {
    const [one, two, three, four] = stored(
      by('ada'),
      by('bob'),
      by('ada', 'beta'),
      by('ada', 'acme', aMoment + hour),
    ) as [StoredRecord, StoredRecord, StoredRecord, StoredRecord]
    purged({ user: 'ada', project: 'acme', beforeMs: aMoment + hour })
    expect(idsLeft()).toEqual([two, three, four].map(idOf))
    purged({ user: 'ada', project: 'acme' })
    expect(idsLeft()).toEqual([two, three].map(idOf))
    purged({ project: 'beta' })
    expect(idsLeft()).toEqual([idOf(two)])
    purged({ beforeMs: aMoment })
    expect(idsLeft()).toEqual([idOf(two)])
    purged({ beforeMs: aMoment + 1 })
    expect(idsLeft()).toEqual([])
    expect(rowsOf('documents')).toBe(0)
    expect(one).toBeDefined()
  })

  it('counts what it deleted, and a dry one what it would', () => {
    stored(by('ada'), { ...by('ada'), requestBytes: null, responseBytes: null, chunkTimes: null }, by('bob'))
    const counts = { records: 2, bodies: 1, quarantined: 0, pending: 0, rollups: 1 }
    expect(countsOf(purged({ user: 'ada', dry: true }))).toEqual(counts)
    expect(rowsOf('telemetry')).toBe(3)
    expect(countsOf(purged({ user: 'ada' }))).toEqual(counts)
    expect(countsOf(purged({ user: 'ada' }))).toEqual({ records: 0, bodies: 0, quarantined: 0, pending: 0, rollups: 0 })
    expect(countsOf(purged({ project: 'acme', dry: true }))).toMatchObject({ records: 1, rollups: 5, totals: 1 })
    expect(countsOf(purged({ project: 'acme' }))).toMatchObject({ records: 1, rollups: 5, totals: 1 })
  })

  it('takes from the sums what stands under the name, and leaves numbers without it', async () => {
    stored(by('ada'), by('bob'), by('ada', 'beta'), by('ada', 'beta', aMoment - day))
    purged({ user: 'ada' })
    expect(await usage(['user'])).toEqual([['bob', 1]])
    expect(await usage(['project'])).toEqual([
      ['acme', 2],
      ['beta', 2],
    ])
    purged({ project: 'beta' })
    expect(await usage(['project'])).toEqual([['acme', 2]])
    expect(under.all('SELECT DISTINCT project FROM totals')).toEqual([{ project: 'acme' }])
  })

  it('with a date takes the hours and days that end by then, and leaves what counts all calls ever', async () => {
    const midnight = Date.UTC(2026, 10, 20)
    stored(by('ada', 'acme', midnight - 1), by('ada', 'acme', midnight), by('ada', 'acme', midnight + hour))
    purged({ beforeMs: midnight + hour })
    expect(await usage(['day'])).toEqual([['2026-11-20', 2]])
    expect(under.all('SELECT start_ms FROM rollups WHERE level = 1')).toEqual([{ start_ms: midnight + hour }])
    expect(under.all('SELECT sum(requests) AS calls FROM totals')[0]).toEqual({
      calls: 3,
    })
  })

  it('leaves alone the sums of calls that come after it, in the same hour', async () => {
    stored(by('ada'), by('bob', 'beta'))
    under.local.purges.ask(wish({ project: 'acme' }), aMoment + 1)
    stored(by('ada', 'acme', aMoment + 2))
    while (under.local.purges.step(aMoment + 3) !== 'idle');
    expect(await usage(['project'])).toEqual([
      ['acme', 1],
      ['beta', 1],
    ])
    expect(idsLeft()).toHaveLength(2)
  })

  it('does not let old sums come back with a call that is stored late under an old date', async () => {
    stored(...Array.from({ length: 3 }, () => by('ada', 'acme', aMoment - 9 * day)))
    under.local.purges.ask(wish({ project: 'acme' }), nowMs)
    stored(by('ada', 'acme', aMoment - 9 * day))
    while (under.local.purges.step(nowMs) !== 'idle');
    expect(await usage(['project'])).toEqual([])
    stored(by('ada', 'acme', aMoment - 9 * day))
    expect(await usage(['project'])).toEqual([['acme', 1]])
    expect(under.all('SELECT sum(requests) AS calls FROM totals')[0]).toEqual({
      calls: 2,
    })
  })

  it('is about calls that are stored later and began before it, and not about others', () => {
    purged({ user: 'ada' }, aMoment)
    const late = (overrides: RecordOverrides) => under.local.isPurged(aRecord(overrides).telemetry)
    expect(late(by('ada', 'acme', aMoment - 1))).toBe(true)
    expect(late(by('ada', 'acme', aMoment))).toBe(false)
    expect(late(by('bob', 'acme', aMoment - 1))).toBe(false)
    under.reopen()
    expect(late(by('ada', 'acme', aMoment - 1))).toBe(true)
    expect(under.local.purges.forget(aMoment, 0)).toBe(0)
    expect(under.local.purges.forget(aMoment + 1, 0)).toBe(1)
    expect(late(by('ada', 'acme', aMoment - 1))).toBe(false)
  })

  it('dry is about no call that is stored later', () => {
    purged({ user: 'ada', dry: true }, aMoment)
    expect(under.local.isPurged(aRecord(by('ada', 'acme', aMoment - 1)).telemetry)).toBe(false)
  })

  it('goes on after a death, and counts each record once', () => {
    stored(...Array.from({ length: 50 }, () => by('ada')), by('bob'))
    const purge = under.local.purges.ask(wish({ user: 'ada' }), nowMs)
    for (let step = 0; step < 7; step++) expect(under.local.purges.step(nowMs, 0)).toBe('more')
    under.reopen()
    while (under.local.purges.step(nowMs, 0) !== 'idle');
    expect(idsLeft()).toHaveLength(1)
    expect(countsOf(purge)).toMatchObject({ records: 50, bodies: 50 })
  })

  it('works in small steps, whatever it looks through', () => {
    stored(...Array.from({ length: 300 }, (_, at) => by('ada', at % 100 === 0 ? 'beta' : 'acme', aMoment - at * day)))
    under.local.purges.ask(wish({ user: 'ada', project: 'beta' }), nowMs)
    let steps = 0
    while (under.local.purges.step(nowMs, 0) !== 'idle') steps++
    expect(steps).toBeGreaterThan(300)
    expect(idsLeft()).toHaveLength(297)
  })

  it('leaves no byte of what was said, and no name, in the files', () => {
    const secret = 'a sentence that nobody must read again'
    const user = 'someone-who-left@example.com'
    const bytes = Buffer.from(secret.repeat(400))
    stored(
      {
        ...by(user),
        requestBytes: bytes,
        responseBytes: bytes,
        run: { prompt: secret.repeat(300), completion: secret },
      },
      by('bob'),
    )
    const files = () => [under.path, `${under.path}-wal`].map((file) => readFileSync(file, 'latin1')).join()
    under.local.checkpoint()
    expect(files()).toContain(secret)
    purged({ user })
    under.local.checkpoint()
    expect(files()).not.toContain(secret)
    expect(files()).toContain(user) // the purge itself names it, for as long as a call of before may come
    under.local.purges.forget(nowMs + 1, 0)
    under.local.checkpoint()
    expect(files()).not.toContain(user)
  })
})

describe('a purge of what waits for a sink', () => {
  let outbox: LocalOutbox
  beforeEach(() => {
    outbox = openOutbox({ path: under.path, sinks: [{ name: 'far', target: 'there' }], clock: { wall: () => nowMs } })
  })
  afterEach(() => outbox.close())

  const counters = () => outbox.counters('far')
  const next = () => outbox.next('far', all)
  const refusal = ({ place, record }: ReturnType<typeof next>[number]) => ({
    place,
    id: idOf(record),
    code: '121',
    message: 'no',
  })

  it('counts it as dropped, and it never comes again', () => {
    const [, bob] = stored(by('ada'), by('bob'), by('ada'))
    const purge = purged({ user: 'ada' })
    expect(counters()).toEqual({ accepted: 3, stored: 0, pending: 1, quarantined: 0, dropped: 2 })
    expect(countsOf(purge)).toMatchObject({ records: 2, pending: 2 })
    expect(next().map(({ record }) => idOf(record))).toEqual([idOf(bob!)])
  })

  it('counts what a sink has as stored, also once it is gone here', () => {
    stored(by('ada'), by('ada'))
    outbox.settle('far', next()[0]!.place, [])
    purged({ user: 'ada' })
    expect(counters()).toEqual({ accepted: 2, stored: 1, pending: 0, quarantined: 0, dropped: 1 })
  })

  it('turns what a sink had refused into dropped', () => {
    stored(by('ada'), by('bob'))
    const batch = next()
    outbox.settle('far', batch[1]!.place, batch.map(refusal))
    const purge = purged({ user: 'ada' })
    expect(counters()).toEqual({ accepted: 2, stored: 0, pending: 0, quarantined: 1, dropped: 1 })
    expect(countsOf(purge)).toMatchObject({ records: 1, quarantined: 1, pending: 0 })
    expect(rowsOf('quarantine')).toBe(1)
  })

  it('counts a record once that is purged while it is on its way, taken there or refused', () => {
    stored(by('ada'), by('ada'), by('bob'))
    const batch = next()
    purged({ user: 'ada' })
    outbox.settle('far', batch[2]!.place, [refusal(batch[1]!)])
    expect(counters()).toEqual({ accepted: 3, stored: 1, pending: 0, quarantined: 0, dropped: 2 })
    expect(rowsOf('quarantine')).toBe(0)
  })

  it('comes to the sink once nothing of it can be sent any more, and before everything of after it', () => {
    stored(by('ada'), by('bob'))
    const purge = under.local.purges.ask(wish({ user: 'ada' }), nowMs)
    const [old] = stored(by('ada', 'acme', aMoment - day)) // imported after the purge: it is to stay
    expect(outbox.nextPurge('far')).toBeNull()
    expect(next().map(({ record }) => record.telemetry.metadata.user_id)).toEqual(['ada', 'bob'])
    while (under.local.purges.step(nowMs) !== 'idle');
    expect(outbox.nextPurge('far')).toEqual(purge)
    expect(next().map(({ record }) => record.telemetry.metadata.user_id)).toEqual(['bob'])
    outbox.settle('far', next()[0]!.place, [])
    expect(next()).toEqual([])
    expect(outbox.changedRollups('far', 100)).toEqual([])
    outbox.settlePurge('far', purge, { records: 5 }, false)
    expect(next()).toEqual([])
    outbox.settlePurge('far', purge, { records: 2, rollups: 1 }, true)
    expect(countsOf(purge, 'far')).toEqual({ records: 7, rollups: 1 })
    expect(outbox.nextPurge('far')).toBeNull()
    expect(next().map(({ record }) => idOf(record))).toEqual([idOf(old!)])
    expect(outbox.changedRollups('far', 100)).not.toEqual([])
  })

  it.each(['before', 'after'])('leaves nothing of what was read ahead %s it was asked', (order) => {
    const [first, , bob] = stored(by('bob'), by('ada'), by('bob'))
    const one = { ...all, records: 1 }
    const [sent] = outbox.next('far', one)
    expect(idOf(sent!.record)).toBe(idOf(first!))
    if (order === 'before') outbox.ahead?.('far', sent!.place, one)
    const purge = under.local.purges.ask(wish({ user: 'ada' }), nowMs)
    if (order === 'after') outbox.ahead?.('far', sent!.place, one)
    while (under.local.purges.step(nowMs) !== 'idle');
    outbox.settle('far', sent!.place, [])
    outbox.settlePurge('far', purge, {}, true)
    expect(outbox.next('far', one).map(({ record }) => idOf(record))).toEqual([idOf(bob!)])
  })

  it('dry holds nothing back', () => {
    stored(by('ada'))
    under.local.purges.ask(wish({ user: 'ada', dry: true }), nowMs)
    const [after] = stored(by('ada'))
    expect(next().map(({ record }) => idOf(record))).toContain(idOf(after!))
  })

  it('still brings the sums of what was counted before it, also when taking all of them had begun', () => {
    const settle = () => outbox.settle('far', next().at(-1)!.place, [])
    const taken = new Map<string, number>()
    const take = (limit: number) => {
      const changed = outbox.changedRollups('far', limit)
      for (const { row } of changed) taken.set(row.id, row.requests)
      const version = changed.at(-1)?.version
      return () => version !== undefined && outbox.settleRollups('far', version)
    }
    stored(...Array.from({ length: 5 }, (_, at) => by('bob', `p${at}`)), by('ada', 'p0'))
    settle()
    const purge = purged({ user: 'ada' })
    outbox.settlePurge('far', purge, {}, true)
    take(3)() // the first page of all totals
    const inFlight = take(100)
    stored(by('ada', 'p0', nowMs + 1))
    const again = purged({ user: 'ada' }, nowMs + 2)
    outbox.settlePurge('far', again, {}, true)
    inFlight()
    while (outbox.changedRollups('far', 4).length > 0) take(4)()
    const rows = under.all('SELECT sum(requests) AS calls, count(*) AS rows FROM rollups')[0]
    expect([...taken.values()].reduce((sum, one) => sum + one, 0)).toBe(rows?.calls)
    expect(taken.size).toBe(rows?.rows)
  })
})

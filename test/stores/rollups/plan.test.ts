import { describe, expect, it } from 'vitest'
import { spans } from '../../../src/stores/rollups/plan.ts'
import { zoneOf } from '../../../src/stores/rollups/zone.ts'
import type { UsageQuery } from '../../../src/stores/store.ts'

const at = (text: string): number => Date.parse(`2026-${text}Z`)

const plan = (query: UsageQuery, from: string, to: string): string[] =>
  spans(query, zoneOf(query.timeZone ?? 'UTC'), at(from), at(to)).map(({ source, fromMs, toMs }) =>
    [source, new Date(fromMs).toISOString().slice(5, 16), new Date(toMs).toISOString().slice(5, 16)].join(' '),
  )

describe('where sums come from', () => {
  it('is days inside, hours around them, records at cut hours', () => {
    expect(plan({ groupBy: ['model'] }, '11-01T21:30', '11-04T01:10')).toEqual([
      'records 11-01T21:30 11-01T22:00',
      'model_hour 11-01T22:00 11-02T00:00',
      'model_day 11-02T00:00 11-04T00:00',
      'model_hour 11-04T00:00 11-04T01:00',
      'records 11-04T01:00 11-04T01:10',
    ])
  })

  it('is hours for days of a zone of whole hours', () => {
    expect(plan({ groupBy: ['day'], timeZone: 'Europe/Berlin' }, '11-01T00:00', '11-03T00:00')).toEqual([
      'model_hour 11-01T00:00 11-03T00:00',
    ])
  })

  it('is the records for the hour in which a day of a half-hour zone begins', () => {
    expect(plan({ groupBy: ['day'], timeZone: 'Asia/Kolkata' }, '11-01T00:00', '11-02T00:00')).toEqual([
      'model_hour 11-01T00:00 11-01T18:00',
      'records 11-01T18:00 11-01T19:00',
      'model_hour 11-01T19:00 11-02T00:00',
    ])
  })

  it('is the level with the key, or with the user, only where one is asked for', () => {
    expect(plan({ groupBy: ['key'] }, '11-01T00:00', '11-02T00:00')).toEqual(['key_day 11-01T00:00 11-02T00:00'])
    expect(plan({ groupBy: [], user: 'ada' }, '11-01T00:00', '11-02T01:00')).toEqual([
      'user_day 11-01T00:00 11-02T00:00',
      'records 11-02T00:00 11-02T01:00',
    ])
    expect(plan({ groupBy: ['user'], provider: 'groq' }, '11-01T00:00', '11-02T00:00')).toEqual([
      'records 11-01T00:00 11-02T00:00',
    ])
  })
})

describe('a zone', () => {
  it('tells offsets on both sides of a change of the clocks', () => {
    const berlin = zoneOf('Europe/Berlin')
    expect(berlin.label('hour', at('03-29T00:59'))).toBe('2026-03-29T01:00+01:00')
    expect(berlin.label('hour', at('03-29T01:00'))).toBe('2026-03-29T03:00+02:00')
    expect(berlin.label('day', at('10-25T22:59'))).toBe('2026-10-25')
    expect(berlin.label('day', at('10-25T23:00'))).toBe('2026-10-26')
  })

  it('names hours that can be read back as moments', () => {
    for (const name of ['UTC', 'Asia/Kolkata', 'America/St_Johns'])
      expect(Number.isNaN(Date.parse(zoneOf(name).label('hour', at('11-01T00:00'))))).toBe(false)
  })

  it('that nobody knows is a RangeError', () => {
    expect(() => zoneOf('Mars/Olympus')).toThrow(RangeError)
  })
})

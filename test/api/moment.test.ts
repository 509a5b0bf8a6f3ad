import { expect, it } from 'vitest'
import { isTimeZone, readMoment } from '../../src/api/moment.ts'

const now = Date.UTC(2026, 10, 21, 12)
const read = (text: string, zone = 'UTC'): string | null => {
  const at = readMoment(text, now, zone)
  return at === null ? null : new Date(at).toISOString()
}

it.each([
  ['2026-11-20', '2026-11-20T00:00:00.000Z'],
  ['2026-11-20T10:15', '2026-11-20T10:15:00.000Z'],
  ['2026-11-20 10:15:30', '2026-11-20T10:15:30.000Z'],
  ['2026-11-20T10:15:30.123456Z', '2026-11-20T10:15:30.123Z'],
  ['2026-11-20T10:15:30.007Z', '2026-11-20T10:15:30.007Z'],
  ['2026-11-20T10:15:30+05:30', '2026-11-20T04:45:30.000Z'],
  ['2026-11-20T10:15:30 05:30', '2026-11-20T04:45:30.000Z'],
  ['2026-11-20T10:15:30-0800', '2026-11-20T18:15:30.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['1763719200000', '2025-11-21T10:00:00.000Z'],
  ['now', '2026-11-21T12:00:00.000Z'],
  ['90s', '2026-11-21T11:58:30.000Z'],
  ['30m', '2026-11-21T11:30:00.000Z'],
  ['24h', '2026-11-20T12:00:00.000Z'],
  ['7d', '2026-11-14T12:00:00.000Z'],
  ['2w', '2026-11-07T12:00:00.000Z'],
])('reads %s as %s', (text, moment) => {
  expect(read(text)).toBe(moment)
})

it.each([
  '',
  'yesterday',
  '2026',
  '1763719200',
  '2026-13-01',
  '2026-02-29',
  '2026-11-20T24:00',
  '2026-11-20T10:60',
  '2026-11-20Z',
  '2026-11-20T10',
  '24 h',
  '-24h',
  '1.5h',
  '99999999d',
  '9999999999999999',
  '2026-11-20T10:15:30.Z',
])('reads nothing into %j', (text) => {
  expect(read(text)).toBeNull()
})

it.each([
  ['Europe/Berlin', '2026-11-20', '2026-11-19T23:00:00.000Z'],
  ['Europe/Berlin', '2026-07-20', '2026-07-19T22:00:00.000Z'],
  ['America/New_York', '2026-11-20T09:00', '2026-11-20T14:00:00.000Z'],
  ['Asia/Kolkata', '2026-11-20', '2026-11-19T18:30:00.000Z'],
  ['Pacific/Kiritimati', '2026-11-20', '2026-11-19T10:00:00.000Z'],
  ['Europe/Berlin', '2026-11-20T10:00Z', '2026-11-20T10:00:00.000Z'],
  // clocks go back: 02:30 comes twice
  ['Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30:00.000Z'],
  // clocks go forward: 02:30 never comes
  ['Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:30:00.000Z'],
  ['Europe/Berlin', '2026-03-29T03:30', '2026-03-29T01:30:00.000Z'],
  // a day that begins at one o'clock
  ['America/Santiago', '2026-09-06', '2026-09-06T04:00:00.000Z'],
])('reads by the clocks of %s that %s is %s', (zone, text, moment) => {
  expect(read(text, zone)).toBe(moment)
})

it('knows time zones from other words', () => {
  expect(['UTC', 'Europe/Berlin', 'Mars/Olympus', '', "'"].map(isTimeZone)).toEqual([true, true, false, false, false])
})

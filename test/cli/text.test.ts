import { describe, expect, it } from 'vitest'
import { tableText } from '../../src/cli/table.ts'
import {
  bytesText,
  countText,
  durationText,
  harmless,
  moneyText,
  oneLine,
  shortened,
  timeText,
  widthOf,
} from '../../src/cli/text.ts'

describe('amounts', () => {
  it.each([
    ['525000000', '$0.000525'],
    ['4800000', '$0.0000048'],
    ['1', '$0.000000000001'],
    ['0', '$0'],
    ['20000000000', '$0.02'],
    ['21400000000', '$0.0214'],
    ['12345678901234', '$12.35'],
    ['999999999999', '$1.00'],
    ['9007199254740993000000000000', '$9,007,199,254,740,993.00'],
    [null, '–'],
    [undefined, '–'],
  ])('of %s picodollars read %s', (picodollars, text) => {
    expect(moneyText(picodollars)).toBe(text)
  })

  it.each([
    [0, '0 ms'],
    [0.42, '0.42 ms'],
    [4.25, '4.3 ms'],
    [182.4, '182 ms'],
    [999.6, '1.00 s'],
    [1_840, '1.84 s'],
    [59_900, '59.9 s'],
    [59_960, '1 m 00 s'],
    [125_000, '2 m 05 s'],
    [3_720_000, '1 h 02 m'],
    [null, '–'],
  ])('of %s ms read %s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })

  it('are never 0 when they are unknown', () => {
    expect([countText(null), countText(0), bytesText(null), bytesText(1_536)]).toEqual(['–', '0', '–', '1.5 KiB'])
  })

  it('of time are shown in the zone', () => {
    const ms = Date.UTC(2026, 10, 20, 23, 15, 30, 5)
    expect(timeText(ms, 'Europe/Berlin')).toBe('2026-11-21 00:15:30')
    expect(timeText(ms, 'UTC', 'full')).toBe('2026-11-20 23:15:30.005 UTC')
  })
})

describe('what others wrote', () => {
  it('never steers the terminal', () => {
    const text = 'a\u001b[31mred\u0007\u009b2J\u202eevil\r\nnext\tend'
    expect(harmless(text)).toBe('a␛[31mred␇\ufffd2J\ufffdevil\nnext\tend')
    expect(oneLine(text)).not.toContain('\n')
  })

  it('is cut by what it takes on the screen, never within a character', () => {
    expect([widthOf('你好'), widthOf('👋🏽'), widthOf('é')]).toEqual([4, 2, 1])
    expect(shortened('你好世界', 5)).toBe('你好…')
    expect(shortened('👋🏽👋🏽👋🏽', 5)).toBe('👋🏽👋🏽…')
    expect(shortened('short', 5)).toBe('short')
  })
})

describe('a table', () => {
  const columns = [
    { head: 'Name', text: ([name]: readonly string[]) => name!, least: 4 },
    { head: 'Count', text: ([, count]: readonly string[]) => count!, align: 'right' as const },
    { head: 'Extra', text: ([, , extra]: readonly string[]) => extra!, leaveOut: 1 },
  ]
  const rows = [
    ['a long name', '1', 'x'],
    ['b', '12,345', 'y'],
  ]

  it('sets numbers to the right and takes no more than it needs', () => {
    expect(tableText(columns, rows, Infinity)).toBe(
      'Name          Count  Extra\n──────────────────────────\na long name       1  x\nb            12,345  y\n',
    )
  })

  it('cuts and then leaves out what may go, to fit the terminal', () => {
    for (const width of [20, 14]) {
      const lines = tableText(columns, rows, width).trimEnd().split('\n')
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width)
    }
    expect(tableText(columns, rows, 14)).not.toContain('Extra')
    expect(tableText(columns, rows, 14)).toContain('a lon…')
  })

  it('leaves columns out before it cuts one below what it is wanted to hold', () => {
    const [name, ...others] = columns
    const wanting = [{ ...name!, wanted: 10 }, ...others]
    expect(tableText(wanting, rows, 20)).toBe(tableText(wanting.slice(0, 2), rows, Infinity))
    expect(tableText(wanting, rows, 14)).toContain('a lon…')
  })
})

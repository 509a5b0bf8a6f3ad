import { expect, it } from 'vitest'
import { quantile, slopeMibPerMinute } from './process-watch.ts'

it('tells the slope of memory that grows, whatever a heap does meanwhile', () => {
  const samples = (mibPerMinute: number) =>
    Array.from({ length: 600 }, (_, second) => ({
      atMs: second * 1000,
      residentMib: 100 + (second / 60) * mibPerMinute + (second % 25),
    }))
  expect(slopeMibPerMinute(samples(0))).toBeCloseTo(0, 1)
  expect(slopeMibPerMinute(samples(3))).toBeCloseTo(3, 1)
  expect(slopeMibPerMinute(samples(-2))).toBeCloseTo(-2, 1)
})

it('tells quantiles', () => {
  const values = Array.from({ length: 200 }, (_, place) => 200 - place)
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([100, 198, 200])
  expect(quantile([7], 0.99)).toBe(7)
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Histogram } from '../../../src/stores/rollups/histogram.ts'
import { NumberReader, NumberWriter } from '../../../src/stores/rollups/varints.ts'

const milliseconds = fc.oneof(
  fc.double({ min: 0, max: 10, noNaN: true }),
  fc.double({ min: 0, max: 1e7, noNaN: true }),
  fc.constantFrom(0, 0.0001, 0.001, 0.01, 1, 1000),
)
const values = fc.array(milliseconds, { minLength: 1, maxLength: 200 })

const of = (list: readonly number[]): Histogram => {
  const histogram = new Histogram()
  for (const value of list) histogram.add(value)
  return histogram
}

const encoded = (histogram: Histogram): Uint8Array => {
  const writer = new NumberWriter()
  histogram.encode(writer)
  return writer.bytes()
}

const merged = (...parts: readonly Uint8Array[]): Histogram => {
  const histogram = new Histogram()
  for (const part of parts) histogram.mergeEncoded(new NumberReader(part), part.length)
  return histogram
}

const facts = ({ count, sumUs, maxMs }: Histogram) => ({ count, sumUs, maxMs })

describe('a histogram', () => {
  it('counts what is at most each bound, off only for values within one per cent of it', () => {
    const bounds = [1, 10, 100, 1_000, 10_000]
    fc.assert(
      fc.property(values, (list) => {
        const counts = of(list).countsUpTo(bounds)
        for (const [place, bound] of bounds.entries()) {
          const surely = list.filter((value) => value <= bound * 0.99).length
          const perhaps = list.filter((value) => value <= bound * 1.01).length
          expect(counts[place]).toBeGreaterThanOrEqual(surely)
          expect(counts[place]).toBeLessThanOrEqual(perhaps)
        }
      }),
    )
    expect(new Histogram().countsUpTo(bounds)).toEqual([0, 0, 0, 0, 0])
  })

  it('tells every quantile within one per cent', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, share) => {
        const sorted = [...list].sort((one, other) => one - other)
        const exact = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1] ?? 0
        expect(Math.abs(of(list).quantile(share) - exact)).toBeLessThanOrEqual(exact * 0.01 + 0.001)
      }),
    )
  })

  it('is the same whether values were counted together or apart and added up, encoded or not', () => {
    fc.assert(
      fc.property(values, values, (one, other) => {
        const together = of([...one, ...other])
        const apart = of(one)
        apart.merge(of(other))
        const fromBytes = merged(encoded(of(other)), encoded(of(one)))
        for (const sum of [apart, fromBytes]) {
          expect(encoded(sum)).toEqual(encoded(together))
          expect(facts(sum)).toEqual(facts(together))
        }
      }),
    )
  })

  it('keeps the mean to the microsecond and the maximum exactly', () => {
    const histogram = of([1.0004, 2.5, 1234.5678])
    expect(histogram.maxMs).toBe(1234.5678)
    expect(histogram.meanMs).toBeCloseTo((1 + 2.5 + 1234.568) / 3, 9)
  })

  it('counts what is no duration as zero', () => {
    const histogram = of([-5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(facts(histogram)).toEqual({ count: 3, sumUs: 0, maxMs: 0 })
    expect(histogram.quantile(1)).toBe(0)
  })

  it('takes no bytes when empty and few when full', () => {
    expect(encoded(new Histogram()).length).toBe(0)
    expect(encoded(of(Array.from({ length: 10_000 }, (_, index) => index))).length).toBeLessThan(2000)
  })

  it('refuses bytes that end inside a number', () => {
    const bytes = encoded(of([1, 2, 3, 1e6]))
    expect(() => merged(bytes.subarray(0, -1))).toThrow('end inside a number')
  })
})

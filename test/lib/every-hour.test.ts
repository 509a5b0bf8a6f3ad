import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { everyHour } from '../../src/lib/every-hour.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 10, 15, 30) })
})
afterEach(() => {
  vi.useRealTimers()
})

const clock = { wall: () => Date.now() }
const at = (hour: number, minute = 0): number => Date.UTC(2026, 10, 20, hour, minute)

it('calls once for each full hour, with its time, until it is stopped', () => {
  const hours: number[] = []
  const stop = everyHour(clock, (hour) => hours.push(hour))
  vi.advanceTimersByTime(at(10, 59) - Date.now())
  expect(hours).toEqual([])
  vi.advanceTimersByTime(60_000)
  expect(hours).toEqual([at(11)])
  vi.advanceTimersByTime(3 * 3_600_000)
  expect(hours).toEqual([at(11), at(12), at(13), at(14)])
  stop()
  vi.advanceTimersByTime(24 * 3_600_000)
  expect(hours).toHaveLength(4)
})

it('waits on when the timer comes before the hour, and leaves out hours that were slept through', () => {
  const hours: number[] = []
  const stop = everyHour(clock, (hour) => hours.push(hour))
  vi.setSystemTime(at(10, 10)) // the clock was set back
  vi.advanceTimersByTime(at(11) - at(10, 15))
  expect(hours).toEqual([])
  vi.setSystemTime(at(14, 30))
  vi.advanceTimersByTime(3_600_000)
  expect(hours[0]).toBe(at(14))
  stop()
})

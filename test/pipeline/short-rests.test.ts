import { expect, it } from 'vitest'
import { ShortRests } from '../../src/pipeline/short-rests.ts'

it('does nothing until it is begun', () => {
  const slept: number[] = []
  const rests = new ShortRests({ clock: { mono: () => 1_000 }, traffic: () => 1, sleep: (ms) => slept.push(ms) })
  rests.pause()
  expect(slept).toEqual([])
  rests.begin()
  rests.pause()
  expect(slept).toEqual([0.05])
})

it('sleeps once for each stretch of work, however often it is asked', () => {
  let nowMs = 1_000
  const sleptAtMs: number[] = []
  const sleep = (ms: number) => {
    sleptAtMs.push(Math.round(nowMs * 1000) / 1000)
    nowMs += ms
  }
  const rests = new ShortRests({ clock: { mono: () => nowMs }, traffic: () => 0, workMs: 1, restMs: 0.5, sleep })
  rests.begin()
  for (let piece = 0; piece < 40; piece++) {
    rests.pause()
    nowMs += 0.1
  }
  expect(sleptAtMs).toEqual([1_000, 1_001.5, 1_003, 1_004.5])
})

it('rests no more once nobody else has had work for a while, and again as soon as somebody has', () => {
  let [nowMs, traffic] = [1_000, 5]
  const sleptAtMs: number[] = []
  const clock = { mono: () => nowMs }
  const sleep = () => sleptAtMs.push(nowMs)
  const rests = new ShortRests({ clock, traffic: () => traffic, workMs: 10, restMs: 1, sleep })
  rests.begin()
  for (; nowMs < 1_100; nowMs++) rests.pause()
  expect(sleptAtMs).toEqual([1_000, 1_010, 1_020])
  traffic++
  rests.pause()
  expect(sleptAtMs).toEqual([1_000, 1_010, 1_020, 1_100])
})

it('stops the thread for as long as it says', () => {
  const clock = { mono: () => performance.now() }
  let calls = 0
  const rests = new ShortRests({ clock, traffic: () => ++calls, workMs: 0, restMs: 20 })
  rests.begin()
  const before = clock.mono()
  rests.pause()
  rests.pause()
  expect(clock.mono() - before).toBeGreaterThanOrEqual(38) // two, each to the nearest millisecond
})

import { expect, it } from 'vitest'
import { GivingWay } from '../../src/pipeline/giving-way.ts'

const mib = 1024 * 1024

it('takes its share once it is far behind, and gives way again when it has kept up for a while', () => {
  const way = new GivingWay(10_000 * mib)
  expect(way.isGivingWay).toBe(true)
  expect(way.looked(511 * mib, 0)).toBeNull()
  expect(way.looked(512 * mib, 1_000)).toBe('urge')
  expect(way.isGivingWay).toBe(false)
  expect(way.looked(600 * mib, 2_000)).toBeNull()
  expect(way.looked(mib, 3_000)).toBeNull()
  expect(way.looked(40 * mib, 20_000)).toBeNull() // not calm yet
  expect(way.looked(mib, 21_000)).toBeNull()
  expect(way.looked(mib, 50_000)).toBeNull()
  expect(way.looked(mib, 51_000)).toBe('give way')
  expect(way.isGivingWay).toBe(true)
  expect(way.looked(512 * mib, 52_000)).toBe('urge')
})

it('is earlier where the journal may take little', () => {
  expect(new GivingWay(320 * mib).looked(20 * mib, 0)).toBe('urge')
})

it('never gives way where the journal may hardly take anything', () => {
  const way = new GivingWay(255 * mib)
  expect(way.isGivingWay).toBe(false)
  for (const moment of [0, 60_000, 120_000]) expect(way.looked(0, moment)).toBeNull()
})

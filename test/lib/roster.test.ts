import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Roster, type Seated } from '../../src/lib/roster.ts'

it('holds who came and did not leave, in whatever order they do', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 200 }), (steps) => {
      const all = Array.from({ length: 10 }, (): Seated => ({ seat: -1 }))
      const roster = new Roster<Seated>()
      const model = new Set<Seated>()
      for (const step of steps) {
        const member = all[step]!
        if (model.delete(member)) roster.delete(member)
        else {
          model.add(member)
          roster.add(member)
        }
        expect(roster.size).toBe(model.size)
        expect(new Set(roster)).toEqual(model)
      }
    }),
  )
})

it('goes over those who were there at the beginning, also when each leaves', () => {
  const all = [{ seat: 0 }, { seat: 0 }, { seat: 0 }]
  const roster = new Roster<Seated>()
  for (const one of all) roster.add(one)
  const met: Seated[] = []
  for (const one of roster) {
    met.push(one)
    roster.delete(one)
  }
  expect(met).toEqual(all)
  expect(roster.size).toBe(0)
})

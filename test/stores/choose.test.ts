import { expect, it } from 'vitest'
import { chooseStore } from '../../src/stores/choose.ts'
import { type RunPage, type Store, Unanswerable } from '../../src/stores/store.ts'
import { storeOf } from '../api/api-server.ts'
import { aRecord } from '../support/records.ts'

const page = (nextCursor: string | null): RunPage => ({ items: [], nextCursor, total: 0 })

/** A shared store and an own one, that note what they are asked. */
function stores(shared: Partial<Store> = {}) {
  const asked: string[] = []
  const failures: unknown[] = []
  const state = { reachable: true, nowMs: 0 }
  const fresh = aRecord()
  const noting = (name: string, store: Store): Store => ({
    ...store,
    name,
    usage: (...args) => {
      asked.push(name)
      return store.usage(...args)
    },
    runs: async (_project, { cursor }) => {
      asked.push(`${name} ${cursor}`)
      return page('7')
    },
  })
  const chosen = chooseStore({
    shared: { ...noting('mongodb', storeOf([])), ...shared, name: 'mongodb' },
    own: noting('sqlite', storeOf([fresh])),
    reachable: () => state.reachable,
    failed: (error) => void failures.push(error),
    clock: { mono: () => state.nowMs },
  })
  return { chosen, asked, failures, state, fresh }
}

it('asks the shared store, and the own one while the shared one cannot be reached', async () => {
  const { chosen, asked, state } = stores()
  expect(chosen.name).toBe('mongodb')
  await chosen.usage(null, { groupBy: [] })
  state.reachable = false
  expect(chosen.name).toBe('sqlite')
  await chosen.usage(null, { groupBy: [] })
  expect(asked).toEqual(['mongodb', 'sqlite'])
})

it('answers from the own store when the shared one fails, and leaves that alone for a while', async () => {
  let tries = 0
  const usage = () => {
    tries++
    return Promise.reject(new Error('away'))
  }
  const { chosen, asked, failures, state } = stores({ usage })
  await chosen.usage(null, { groupBy: [] })
  await chosen.usage(null, { groupBy: [] })
  expect([tries, asked, failures.length, chosen.name]).toEqual([1, ['sqlite', 'sqlite'], 1, 'sqlite'])
  state.nowMs = 5_000
  await chosen.usage(null, { groupBy: [] })
  expect(tries).toBe(2)
})

it('passes on that a question cannot be answered', async () => {
  const { chosen, failures } = stores({ usage: () => Promise.reject(new Unanswerable('group_by', 'no')) })
  await expect(chosen.usage(null, { groupBy: [] })).rejects.toThrow(Unanswerable)
  expect(failures).toEqual([])
})

it('finds a call that is not delivered yet', async () => {
  const { chosen, fresh } = stores({ run: async () => null })
  expect((await chosen.run(null, fresh.telemetry._id))?.telemetry._id).toBe(fresh.telemetry._id)
  expect(await chosen.run(null, 'nobody')).toBeNull()
})

it('goes on in the store that made the cursor', async () => {
  const { chosen, asked, state } = stores()
  const first = await chosen.runs(null, { limit: 1 })
  expect(first.nextCursor).toBe('mongodb.7')
  state.reachable = false
  await chosen.runs(null, { limit: 1, cursor: first.nextCursor! })
  expect((await chosen.runs(null, { limit: 1 })).nextCursor).toBe('sqlite.7')
  expect(asked).toEqual(['mongodb undefined', 'mongodb 7', 'sqlite undefined'])
  await expect(chosen.runs(null, { limit: 1, cursor: '7' })).rejects.toThrow(Unanswerable)
})

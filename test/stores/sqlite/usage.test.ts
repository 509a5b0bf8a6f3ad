import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenStore, openStore } from '../../../src/stores/sqlite/query.ts'
import { aRecord } from '../../support/records.ts'
import { aDatabase, emptyBatch } from '../../support/sqlite-store.ts'

let database: ReturnType<typeof aDatabase>
let store: OpenStore
beforeEach(() => {
  database = aDatabase()
  store = openStore(database.path)
})
afterEach(async () => {
  await store.close()
  database.remove()
})

describe('usage', () => {
  it('tells names as they are, whatever is in them', async () => {
    const models = ['a"b', 'a\\', 'a\0b', 'a\u0001', '["a"]', '😀', 'null']
    const records = models.map((name) => aRecord({ metadata: { model_requested: name, llm_model: name } }))
    database.local.commit({ ...emptyBatch, records: [...records, aRecord({ metadata: { llm_model: null } })] })
    const { groups } = await store.usage(null, { groupBy: ['model', 'day'] })
    expect(new Set(groups.map(({ group }) => group.model))).toEqual(new Set([...models, null]))
    expect(groups.every(({ requests }) => requests === 1)).toBe(true)
  })

  it('fails with what is wrong about a row, and answers the next question', async () => {
    database.local.commit({ ...emptyBatch, records: [aRecord()] })
    const change = (sql: string): void => {
      const other = new DatabaseSync(database.path)
      other.exec(sql)
      other.close()
    }
    change("UPDATE rollups SET sums = x'63' WHERE level = 2")
    await expect(store.usage(null, { groupBy: ['model'] })).rejects.toThrow('sums of encoding 99')
    expect((await store.usage(null, { groupBy: ['key'] })).totals.requests).toBe(1)
  })
})

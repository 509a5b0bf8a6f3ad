import { MongoClient } from 'mongodb'
import { expect, it } from 'vitest'
import { suiteWithMongo } from './mongo-server.ts'

await suiteWithMongo('the database server for tests', (server) => {
  it.runIf(server.restartable)('keeps what it acknowledged over a kill and a new start', async () => {
    const name = server.database()
    await using client = new MongoClient(server.uri, { serverSelectionTimeoutMS: 5000 })
    const things = client.db(name).collection('things')
    await things.insertMany([{ n: 1 }, { n: 2 }], { writeConcern: { w: 'majority', j: true } })
    await server.kill()
    await expect(new MongoClient(server.uri, { serverSelectionTimeoutMS: 300 }).connect()).rejects.toThrow()
    await server.start()
    expect(await things.countDocuments()).toBe(2)
  })
})

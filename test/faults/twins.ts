import type { BSON } from 'mongodb'
import { type FakeMongo, fakeMongo } from '../support/fake-mongo.ts'
import { type FaultLink, faultLink } from '../support/fault-link.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { type Traffic, traffic } from './traffic.ts'

/** Two proxies under the same traffic that differ in nothing but a MongoDB, to which a link leads that can be made bad. */
export interface Twins extends AsyncDisposable {
  readonly calls: Traffic
  readonly mongo: FakeMongo
  readonly link: FaultLink
  readonly without: SpawnedProxy
  readonly withMongo: SpawnedProxy
}

/** `keep`: what the MongoDB keeps of a document. */
export async function twins(keep?: (document: BSON.Document) => BSON.Document): Promise<Twins> {
  await using begun = new AsyncDisposableStack()
  const calls = begun.use(await traffic())
  const mongo = begun.use(await fakeMongo(keep))
  const link = begun.use(await faultLink(mongo.port))
  const upstreams = { openai: calls.upstream.port }
  const uri = `mongodb://127.0.0.1:${link.port}/?directConnection=true`
  const without = begun.use(await spawnProxy({ upstreams }))
  const withMongo = begun.use(await spawnProxy({ upstreams, env: { MONGO_URI: uri, DB_NAME: 'db' } }))
  const all = begun.move()
  return { calls, mongo, link, without, withMongo, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Two batches of 8 MiB, as read and as they are sent, and what SQLite caches of more rows than before. */
export const batchesMib = 128

import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../lib/log.ts'
import {
  type CollectionName,
  collectionNames,
  collections,
  expiryOf,
  type IndexKey,
  indexSpec,
  isExpiryKey,
  markers,
  type Retention,
  schemaVersion,
} from './collections.ts'
import type { Document } from './driver.ts'
import { type Commands, codeOf, firstBatch, isRefused, namespaceExists, namespaceNotFound } from './server.ts'

export interface SetupOptions {
  retention: Retention
  instance: string
  /** Names the pepper of this instance's fingerprints without telling it; instances on one database should share it. */
  pepperId: string | null
  log: Log
  now: () => number
}

export interface SetupResult {
  /** Collections that somebody else made: never altered. */
  foreign: readonly CollectionName[]
  /** Collections of ours whose old documents the server does not delete by itself. */
  toPurge: readonly CollectionName[]
}

/**
 * Brings the database to what `collections` says; doing it again changes nothing. What the server (or the user's rights) refuse
 * costs one warning for each kind and stops nothing. Collections that we did not make are left as they are.
 */
export async function setUp(server: Commands, options: SetupOptions): Promise<SetupResult> {
  const refused = new Refusals(options.log)
  const present = await presentCollections(server, refused)
  const known = await knownVersions(server)
  const foreign: CollectionName[] = []
  const toPurge: CollectionName[] = []
  for (const name of collectionNames) {
    const there = present?.get(name)
    if (!known.has(name) && (present === null || there !== undefined)) {
      foreign.push(name)
      continue
    }
    if (there === undefined) await create(server, name, options.now(), refused)
    else if ((known.get(name) ?? 0) <= schemaVersion) await bringValidator(server, name, there, refused)
    const indexes = await indexesOf(server, name)
    await makeIndexes(server, name, indexes, refused)
    if (!(await bringExpiry(server, name, indexes, expiryOf(name, options.retention), refused))) toPurge.push(name)
  }
  if (foreign.length > 0)
    options.log.warn(
      'collections that Sightglass did not make are used as they are: no validators, indexes or expiry; `sightglass mongo setup` prints the commands',
      { collections: foreign },
    )
  if (toPurge.length > 0)
    options.log.info('the server does not delete old documents by itself: Sightglass does', { collections: toPurge })
  refused.tell()
  await markInstance(server, options)
  return { foreign, toPurge }
}

/** What was refused, told once for each kind. */
class Refusals {
  readonly #log: Log
  readonly #found = new Map<string, { collections: Set<string>; code: number | null; message: string }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** Rethrows what is no refusal. */
  add(what: string, collection: string, error: unknown): void {
    if (!isRefused(error)) throw error
    const found = this.#found.get(what) ?? { collections: new Set(), code: codeOf(error), message: error.message }
    found.collections.add(collection)
    this.#found.set(what, found)
  }

  tell(): void {
    for (const [what, { collections, code, message }] of this.#found)
      this.#log.warn(`MongoDB refuses ${what}: goes on without`, { collections: [...collections], code, message })
  }
}

/** Collections that are there, with their options; null when we may not know. */
async function presentCollections(server: Commands, refused: Refusals): Promise<ReadonlyMap<string, Document> | null> {
  try {
    const found = await firstBatch(server, { listCollections: 1, cursor: { batchSize: 10_000 } })
    return new Map(found.map(({ name, options }) => [String(name), options ?? {}]))
  } catch (error) {
    refused.add('a list of collections', '*', error)
    return null
  }
}

/** Collections of ours, with the version of the program that made them what they are. */
async function knownVersions(server: Commands): Promise<ReadonlyMap<string, number>> {
  const found = await firstBatch(server, { find: markers, filter: { kind: { $eq: 'collection' } }, batchSize: 1000 })
  return new Map(found.map(({ _id, schema_version }) => [String(_id), Number(schema_version)]))
}

/** The marker comes first: should the start end in between, the next one knows the collection as ours. */
async function create(server: Commands, name: CollectionName, now: number, refused: Refusals): Promise<void> {
  await mark(server, name, { kind: 'collection', schema_version: schemaVersion, created_at: new Date(now) })
  try {
    await server.run({ create: name, validator: collections[name].validator })
  } catch (error) {
    if (codeOf(error) === namespaceExists) return // another instance was faster
    refused.add('validators', name, error)
    await server.run({ create: name }).catch((again: unknown) => {
      if (codeOf(again) !== namespaceExists) refused.add('to make collections beforehand', name, again)
    })
  }
}

async function bringValidator(
  server: Commands,
  name: CollectionName,
  there: Document,
  refused: Refusals,
): Promise<void> {
  const { validator } = collections[name]
  if (isDeepStrictEqual(plain(there.validator), plain(validator))) return
  try {
    await server.run({ collMod: name, validator })
    await mark(server, name, { schema_version: schemaVersion })
  } catch (error) {
    refused.add('validators', name, error)
  }
}

/** As the driver hands it over: without prototypes of its own, fields in any order. */
const plain = (value: unknown): unknown => (value === undefined ? null : JSON.parse(JSON.stringify(value)))

/** None where the collection could not be made beforehand: it is made with the first document. */
async function indexesOf(server: Commands, name: CollectionName): Promise<readonly Document[]> {
  try {
    return await firstBatch(server, { listIndexes: name, cursor: { batchSize: 1000 } })
  } catch (error) {
    if (codeOf(error) === namespaceNotFound) return []
    throw error
  }
}

/** Only those that are missing: FerretDB drops the connection over one that is there. */
async function makeIndexes(
  server: Commands,
  name: CollectionName,
  there: readonly Document[],
  refused: Refusals,
): Promise<void> {
  const expiresBy = collections[name].expiresBy
  const keys: readonly IndexKey[] = collections[name].indexes
  const missing = keys.filter((key) => !isExpiryKey(key, expiresBy) && indexOn(there, key) === undefined)
  if (missing.length === 0) return
  try {
    await server.run({ createIndexes: name, indexes: missing.map(indexSpec) })
  } catch (error) {
    if (!isRefused(error)) throw error
    for (const key of missing)
      await server
        .run({ createIndexes: name, indexes: [indexSpec(key)] })
        .catch((alone: unknown) => refused.add(`the index ${indexSpec(key).name}`, name, alone))
  }
}

/** The order of an index's fields counts. */
const indexOn = (indexes: readonly Document[], key: IndexKey): Document | undefined =>
  indexes.find((index) => JSON.stringify(index.key) === JSON.stringify(key))

/** Makes the index by date expire documents as wanted; false when the server does not and they are to be purged. */
async function bringExpiry(
  server: Commands,
  name: CollectionName,
  indexes: readonly Document[],
  seconds: number | null,
  refused: Refusals,
): Promise<boolean> {
  const field = collections[name].expiresBy
  if (field === null) return true
  const spec = indexSpec({ [field]: 1 })
  const wanted = seconds === null ? spec : { ...spec, expireAfterSeconds: seconds }
  const there = indexOn(indexes, spec.key)
  const now: number | null = there === undefined ? null : numberOrNull(there.expireAfterSeconds)
  if (there === undefined ? seconds === null && !isIndexed(name, field) : now === seconds) return true
  try {
    if (there === undefined) await server.run({ createIndexes: name, indexes: [wanted] })
    else await changeExpiry(server, name, there, wanted, seconds)
    return true
  } catch (error) {
    refused.add('documents that expire', name, error)
  }
  if (there === undefined || now !== null)
    await server
      .run({ createIndexes: name, indexes: [spec] })
      .catch((error: unknown) => refused.add(`the index ${spec.name}`, name, error))
  return seconds === null
}

const isIndexed = (name: CollectionName, field: string): boolean =>
  collections[name].indexes.some((key) => isExpiryKey(key, field))

/** Where `collMod` is refused, or would have to take the expiry away, the index is made anew. */
async function changeExpiry(
  server: Commands,
  name: CollectionName,
  there: Document,
  wanted: Document,
  seconds: number | null,
): Promise<void> {
  if (seconds !== null) {
    try {
      await server.run({ collMod: name, index: { name: there.name, expireAfterSeconds: seconds } })
      return
    } catch (error) {
      if (!isRefused(error)) throw error
      if (there.expireAfterSeconds === undefined) throw error // a plain index stays, and we purge
    }
  }
  await server.run({ dropIndexes: name, index: there.name })
  await server.run({ createIndexes: name, indexes: [wanted] })
}

const numberOrNull = (value: unknown): number | null => (value === undefined || value === null ? null : Number(value))

/** Leaves this instance's name, and warns when another one has a different pepper: its keys then have other fingerprints. */
async function markInstance(server: Commands, { instance, pepperId, log, now }: SetupOptions): Promise<void> {
  const others = await firstBatch(server, { find: markers, filter: { kind: { $eq: 'instance' } }, batchSize: 1000 })
  const different = others.filter(({ pepper_id }) => pepperId !== null && pepper_id !== null && pepper_id !== pepperId)
  if (different.some(({ _id }) => _id !== `instance:${instance}`))
    log.warn('another instance on this database has a different pepper: the same key has two fingerprints', {
      instances: different.length,
    })
  await mark(server, `instance:${instance}`, { kind: 'instance', pepper_id: pepperId, started_at: new Date(now()) })
}

async function mark(server: Commands, id: string, fields: Document): Promise<void> {
  await server.run({
    update: markers,
    updates: [{ q: { _id: { $eq: id } }, u: { $set: fields }, upsert: true }],
    writeConcern: { w: 'majority' },
  })
}

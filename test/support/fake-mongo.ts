import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { BSON } from 'mongodb'
import { commandIn, cursor, hello, largestBytes, replyTo } from './mongo-wire.ts'

type Document = BSON.Document

/** What happens to one insert; the answer of a server that works otherwise. */
export type MongoFault =
  /** Everything is stored, and the connection is reset before the answer. */
  | { kind: 'applyThenReset' }
  /** Nothing is stored, and no answer ever comes. */
  | { kind: 'hang' }
  /** Everything is stored, the answer takes so long. */
  | { kind: 'slow'; ms: number }
  /** The command fails as a whole. */
  | { kind: 'error'; code: number }
  /** Everything is stored here, but not on most members. */
  | { kind: 'writeConcernError'; code: number }
  /** Documents that the test picks fail with this code, the others are stored. */
  | { kind: 'refuse'; code: number; when: (document: Document) => boolean }

export interface FakeMongo extends AsyncDisposable {
  readonly uri: string
  readonly port: number
  /** Documents by collection and id. */
  readonly collections: Map<string, Map<string, Document>>
  /** Ids in the order of their first arrival. */
  ids(collection: string): string[]
  /** How often a document was stored again under an id that was there. */
  readonly duplicates: number
  /** How many inserts of records were asked for. */
  readonly inserts: number
  /** Asked before each insert into a collection of records or of the diary; null: it works. */
  fault: (collection: string, ids: readonly string[]) => MongoFault | null
}

/**
 * A server that speaks as much of MongoDB's protocol as delivery needs, for faults that no real server makes on demand.
 * `keep`: what is kept of a document, where there are too many to keep all of them.
 */
export async function fakeMongo(keep: (document: Document) => Document = (document) => document): Promise<FakeMongo> {
  const collections = new Map<string, Map<string, Document>>()
  const counts = { duplicates: 0, inserts: 0 }
  const sockets = new Set<Socket>()
  const of = (name: string): Map<string, Document> => {
    const found = collections.get(name) ?? new Map<string, Document>()
    collections.set(name, found)
    return found
  }

  const insert = (command: Document, fault: MongoFault | null): Document => {
    const there = of(String(command.insert))
    const writeErrors: Document[] = []
    for (const [index, document] of (command.documents as Document[]).entries()) {
      const id = String(document._id)
      const unfit = unfitness(document)
      if (unfit !== null) writeErrors.push({ index, ...unfit })
      else if (fault?.kind === 'refuse' && fault.when(document)) {
        writeErrors.push({ index, code: fault.code, errmsg: `refused with ${fault.code}` })
      } else if (there.has(id)) {
        counts.duplicates++
        writeErrors.push({ index, code: 11000, errmsg: 'E11000 duplicate key error', keyPattern: { _id: 1 } })
      } else there.set(id, keep(document))
    }
    return {
      ok: 1,
      n: command.documents.length - writeErrors.length,
      ...(writeErrors.length > 0 && { writeErrors }),
      ...(fault?.kind === 'writeConcernError' && {
        writeConcernError: { code: fault.code, errmsg: 'not on most members' },
      }),
    }
  }

  const update = (command: Document): Document => {
    const there = of(String(command.update))
    for (const { q, u } of command.updates as Document[]) {
      const id = String(q._id?.$eq ?? q._id)
      const known = there.get(id)
      if (u.$set) there.set(id, { ...known, _id: id, ...u.$setOnInsert, ...u.$set })
      else if (known !== undefined && Number(known.version) < Number(q.version?.$lt)) there.set(id, { _id: id, ...u })
    }
    return { ok: 1, n: command.updates.length, nModified: command.updates.length }
  }

  const find = (command: Document): Document => {
    const conditions = Object.entries<Document>(command.filter ?? {})
    const found = [...of(String(command.find)).values()].filter((document) =>
      conditions.every(([name, { $in, $eq }]) =>
        ($in === undefined ? [$eq] : ($in as unknown[])).map(String).includes(String(document[name])),
      ),
    )
    return cursor(`db.${command.find}`, found)
  }

  const answer = async (command: Document, socket: Socket): Promise<Document | null> => {
    if ('insert' in command) {
      const name = String(command.insert)
      const isRecords = name === 'telemetry' || name === 'llm_runs'
      if (isRecords) counts.inserts++
      const isAsked = isRecords || name === 'connection_logs' || name === 'metrics'
      const ids = (command.documents as Document[]).map(({ _id }) => String(_id))
      const fault = isAsked ? fake.fault(name, ids) : null
      if (fault?.kind === 'hang') return null
      if (fault?.kind === 'error') return { ok: 0, code: fault.code, errmsg: `failed with ${fault.code}` }
      const result = insert(command, fault)
      if (fault?.kind === 'slow') await delay(fault.ms)
      if (fault?.kind !== 'applyThenReset') return result
      socket.resetAndDestroy()
      return null
    }
    if ('update' in command) return update(command)
    if ('find' in command) return find(command)
    if ('listCollections' in command)
      return cursor(
        'db.$cmd.listCollections',
        [...collections.keys()].map((name) => ({ name, type: 'collection', options: {} })),
      )
    if ('listIndexes' in command) return cursor(`db.${command.listIndexes}`, [{ v: 2, key: { _id: 1 }, name: '_id_' }])
    if ('create' in command) of(String(command.create))
    return 'hello' in command || 'ismaster' in command || 'isMaster' in command ? hello() : { ok: 1 }
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // a fault, or the driver left
    socket.on('close', () => sockets.delete(socket))
    let waiting = Buffer.alloc(0)
    socket.on('data', (data: Buffer) => {
      waiting = Buffer.concat([waiting, data])
      while (waiting.length >= 4 && waiting.length >= waiting.readInt32LE(0)) {
        const message = waiting.subarray(0, waiting.readInt32LE(0))
        waiting = waiting.subarray(message.length)
        void answer(commandIn(message), socket).then((found) => {
          if (found !== null && !socket.destroyed) socket.write(replyTo(message, found))
        })
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fake: FakeMongo = {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    port,
    collections,
    ids: (collection) => [...of(collection).keys()],
    get duplicates() {
      return counts.duplicates
    },
    get inserts() {
      return counts.inserts
    },
    fault: () => null,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
  return fake
}

const deepest = 100

/** Why no server takes the document, as it says so; null: one does. */
function unfitness(document: Document): { code: number; errmsg: string } | null {
  const bytes = BSON.calculateObjectSize(document)
  if (bytes > largestBytes)
    return { code: 10334, errmsg: `BSONObj size: ${bytes} is invalid. Size must be up to ${largestBytes}` }
  return depthOf(document) > deepest ? { code: 15, errmsg: `exceeded the depth of ${deepest}` } : null
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null || '_bsontype' in value) return 0
  let deepest = 0
  for (const field of Object.values(value)) deepest = Math.max(deepest, depthOf(field))
  return deepest + 1
}

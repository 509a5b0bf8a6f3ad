import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { BSON } from 'mongodb'

/** A server in a process of its own that acknowledges whatever it is sent in MongoDB's protocol, and keeps nothing. */
export interface MongoSink extends AsyncDisposable {
  readonly uri: string
  /** What it was sent since it was last asked. */
  counts(): Promise<SinkCounts>
}

export interface SinkCounts {
  /** By collection. */
  documents: Readonly<Record<string, number>>
  bytes: number
  cpuMs: number
}

/** `answerMs`: an answer to an insert takes so long, as from most members of a set. */
export async function mongoSink(answerMs = 0): Promise<MongoSink> {
  const child: ChildProcess = fork(import.meta.filename, ['--serve', `${answerMs}`], { execArgv: [] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    uri: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    async counts() {
      child.send('counts')
      const [counts] = (await once(child, 'message')) as [SinkCounts]
      return counts
    },
    async [Symbol.asyncDispose]() {
      child.kill()
    },
  }
}

if (process.argv[2] === '--serve') serve(Number(process.argv[3]))

function serve(answerMs: number): void {
  const documents: Record<string, number> = {}
  let bytes = 0
  let cpu = process.cpuUsage()
  const server = createServer((socket) => {
    const parts: Buffer[] = []
    let have = 0
    socket.on('error', () => {}) // whoever sends has gone
    socket.on('data', (data: Buffer) => {
      parts.push(data)
      have += data.length
      bytes += data.length
      for (;;) {
        if (have < 4) return
        const [head] = parts
        const size = head!.length >= 4 ? head!.readInt32LE(0) : Buffer.concat(parts).readInt32LE(0)
        if (have < size) return
        const all = parts.length === 1 ? head! : Buffer.concat(parts.splice(0), have)
        parts.splice(0, parts.length, all.subarray(size))
        have -= size
        const answer = answerTo(all.subarray(0, size), documents)
        if (answerMs === 0 || !answer.isInsert) socket.write(answer.bytes)
        else setTimeout(() => socket.write(answer.bytes), answerMs)
        if (have === 0) parts.length = 0
      }
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('message', () => {
    const { user, system } = process.cpuUsage(cpu)
    process.send?.({ documents, bytes, cpuMs: (user + system) / 1_000 } satisfies SinkCounts)
    for (const name of Object.keys(documents)) delete documents[name]
    bytes = 0
    cpu = process.cpuUsage()
  })
  process.on('disconnect', () => process.exit())
}

const opMsg = 2013
const head = 16

function answerTo(message: Buffer, documents: Record<string, number>): { bytes: Buffer; isInsert: boolean } {
  const answered = (document: BSON.Document, isInsert = false) => ({ bytes: reply(message, document), isInsert })
  const isQuery = message.readInt32LE(12) !== opMsg
  if (isQuery) return answered(hello())
  const size = message.readInt32LE(head + 5)
  const command = BSON.deserialize(message.subarray(head + 5, head + 5 + size))
  if ('insert' in command || 'update' in command) {
    const count = inSequence(message, head + 5 + size)
    const name = String(command.insert ?? command.update)
    documents[name] = (documents[name] ?? 0) + count
    return answered({ ok: 1, n: count, nModified: count }, true)
  }
  if ('find' in command || 'listCollections' in command || 'listIndexes' in command)
    return answered({ ok: 1, cursor: { id: BSON.Long.ZERO, ns: 'db.x', firstBatch: [] } })
  return answered('hello' in command || 'ismaster' in command ? hello() : { ok: 1 })
}

/** Documents of the section behind the command; the driver sends them as a sequence. */
function inSequence(message: Buffer, start: number): number {
  if (start >= message.length) return 0
  let count = 0
  for (let at = message.indexOf(0, start + 5) + 1; at < message.length; at += message.readInt32LE(at)) count++
  return count
}

function reply(message: Buffer, document: BSON.Document): Buffer {
  const body = BSON.serialize(document)
  const isQuery = message.readInt32LE(12) !== opMsg
  const start = Buffer.alloc(isQuery ? head + 20 : head + 5)
  start.writeInt32LE(start.length + body.length, 0)
  start.writeInt32LE(message.readInt32LE(4), 8)
  start.writeInt32LE(isQuery ? 1 : opMsg, 12)
  if (isQuery) start.writeInt32LE(1, head + 16)
  return Buffer.concat([start, body])
}

const hello = () => ({
  ok: 1,
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(),
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
})

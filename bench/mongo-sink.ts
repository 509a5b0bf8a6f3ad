import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { BSON } from 'mongodb'
import { cursor, headerBytes, hello, opMsg, replyTo } from '../test/support/mongo-wire.ts'
import { pinned } from './machine.ts'

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

/** `answerMs`: an answer to an insert takes so long, as from most members of a set. `core`: on that one alone. */
export async function mongoSink(answerMs = 0, core: number | null = null): Promise<MongoSink> {
  const words = ['--serve', `${answerMs}`]
  const child: ChildProcess =
    core === null
      ? fork(import.meta.filename, words, { execArgv: [] })
      : pinned(process.execPath, [import.meta.filename, ...words], { core, ipc: true }).child
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

function answerTo(message: Buffer, documents: Record<string, number>): { bytes: Buffer; isInsert: boolean } {
  const answered = (document: BSON.Document, isInsert = false) => ({ bytes: replyTo(message, document), isInsert })
  const isQuery = message.readInt32LE(12) !== opMsg
  if (isQuery) return answered(hello())
  const size = message.readInt32LE(headerBytes + 5)
  const command = BSON.deserialize(message.subarray(headerBytes + 5, headerBytes + 5 + size))
  if ('insert' in command || 'update' in command) {
    const count = inSequence(message, headerBytes + 5 + size)
    const name = String(command.insert ?? command.update)
    documents[name] = (documents[name] ?? 0) + count
    return answered({ ok: 1, n: count, nModified: count }, true)
  }
  if ('find' in command || 'listCollections' in command || 'listIndexes' in command) return answered(cursor('db.x', []))
  return answered('hello' in command || 'ismaster' in command ? hello() : { ok: 1 })
}

/** Documents of the section behind the command; the driver sends them as a sequence. */
function inSequence(message: Buffer, start: number): number {
  if (start >= message.length) return 0
  let count = 0
  for (let at = message.indexOf(0, start + 5) + 1; at < message.length; at += message.readInt32LE(at)) count++
  return count
}

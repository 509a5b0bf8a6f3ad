import { BSON } from 'mongodb'

/** As much of MongoDB's wire protocol (OP_MSG, and the OP_QUERY with which drivers say hello) as a server needs. */
type Document = BSON.Document

export const largestBytes = 16_777_216

export const cursor = (ns: string, firstBatch: readonly Document[]): Document => ({
  ok: 1,
  cursor: { id: BSON.Long.ZERO, ns, firstBatch },
})

export const hello = (): Document => ({
  ok: 1,
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: largestBytes,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(),
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
})

export const opMsg = 2013
export const headerBytes = 16

/** The command of an OP_MSG (or of the OP_QUERY with which drivers say hello), documents of its sequences included. */
export function commandIn(message: Buffer): Document {
  if (message.readInt32LE(12) !== opMsg) {
    const nameEnd = message.indexOf(0, headerBytes + 4) + 1
    return BSON.deserialize(message.subarray(nameEnd + 8))
  }
  let at = headerBytes + 4
  let command: Document = {}
  while (at < message.length) {
    const kind = message[at++]
    const size = message.readInt32LE(at)
    const section = message.subarray(at, at + size)
    at += size
    if (kind === 0) command = { ...BSON.deserialize(section), ...command }
    else Object.assign(command, sequenceIn(section))
  }
  return command
}

function sequenceIn(section: Buffer): Document {
  const nameEnd = section.indexOf(0, 4)
  const documents: Document[] = []
  for (let at = nameEnd + 1; at < section.length; at += section.readInt32LE(at))
    documents.push(BSON.deserialize(section.subarray(at, at + section.readInt32LE(at))))
  return { [section.toString('utf8', 4, nameEnd)]: documents }
}

export function replyTo(message: Buffer, document: Document): Buffer {
  const body = BSON.serialize(document)
  const isQuery = message.readInt32LE(12) !== opMsg
  const head = Buffer.alloc(isQuery ? headerBytes + 20 : headerBytes + 5)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(1, 4)
  head.writeInt32LE(message.readInt32LE(4), 8)
  head.writeInt32LE(isQuery ? 1 : opMsg, 12)
  if (isQuery) head.writeInt32LE(1, headerBytes + 16)
  return Buffer.concat([head, body])
}

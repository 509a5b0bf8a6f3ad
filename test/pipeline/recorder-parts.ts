import type { Exchange } from '../../src/records/exchange.ts'
import type { StoredRecord } from '../../src/records/stored.ts'
import { aRecord } from '../support/records.ts'

export const quiet = { warn() {}, error() {} }

export const textOf = (exchange: Exchange, side: 'request' | 'response'): string =>
  Buffer.concat(exchange[side].pieces.map(({ bytes }) => bytes)).toString()

export const recordOf = (exchange: Exchange, notes: readonly string[] = []): StoredRecord =>
  aRecord({
    id: exchange.open.id,
    metadata: { notes: [...notes], outcome: exchange.close ? 'ok' : 'interrupted' },
    requestBytes: null,
    responseBytes: null,
  })

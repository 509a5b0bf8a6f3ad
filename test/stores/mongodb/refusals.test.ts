import * as driver from 'mongodb'
import { describe, expect, it } from 'vitest'
import { leftoversOf } from '../../../src/stores/mongodb/refusals.ts'

const documents = ['a', 'b', 'c'].map((_id) => ({ _id }))

/** As the driver throws it for an unordered insert. */
function bulkError(codes: Readonly<Record<number, number>>, writeConcern?: { code: number; errmsg: string }): Error {
  const writeErrors = Object.entries(codes).map(([index, code]) => ({
    index: Number(index),
    code,
    errmsg: `code ${code}`,
  }))
  const result = { getWriteConcernError: () => writeConcern } as unknown as driver.BulkWriteResult
  return new driver.MongoBulkWriteError(
    { message: 'bulk', code: writeErrors[0]?.code ?? 0, writeErrors: writeErrors as unknown as driver.WriteError[] },
    result,
  )
}

const sorted = (codes: Readonly<Record<number, number>>) => leftoversOf(driver, bulkError(codes), documents)

describe('what an unordered insert left undone', () => {
  it('is stored already where the key is there twice', () => {
    expect(sorted({ 0: 11000, 2: 11000 })).toEqual({ refused: [], duplicates: ['a', 'c'] })
  })

  it.each([2, 15, 22, 52, 57, 121, 10334, 17280])('is refused with code %i: it lies in the document', (code) => {
    expect(sorted({ 0: code, 1: code, 2: code }).refused.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(sorted({ 1: code, 2: 11000 })).toEqual({
      refused: [{ id: 'b', code: `${code}`, message: `code ${code}` }],
      duplicates: ['c'],
    })
  })

  it.each([13, 91, 112, 189, 462, 10107, 11600, 14031, 16500])(
    'is to be tried again with code %i, also when others were stored',
    (code) => {
      expect(() => sorted({ 1: code })).toThrow()
      expect(() => sorted({ 0: 121, 1: code })).toThrow()
    },
  )

  it('with a code nobody knows lies in the document if others were stored, else in the server', () => {
    expect(sorted({ 1: 987_654 }).refused).toMatchObject([{ id: 'b' }])
    expect(() => sorted({ 0: 987_654, 1: 987_654, 2: 987_654 })).toThrow()
  })

  it('is not yet safe while members have not acknowledged it, whatever else was said', () => {
    const waiting = { code: 64, errmsg: 'waiting for replication timed out' }
    expect(() => leftoversOf(driver, bulkError({}, waiting), documents)).toThrow('not yet safe')
    expect(() => leftoversOf(driver, bulkError({ 0: 11000 }, waiting), documents)).toThrow('not yet safe')
  })

  it('is unknown when the connection broke', () => {
    const broken = new driver.MongoNetworkError('closed')
    expect(() => leftoversOf(driver, broken, documents)).toThrow(broken)
    expect(() => leftoversOf(driver, bulkError({}), documents)).toThrow('bulk')
  })
})

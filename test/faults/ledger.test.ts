import { beforeEach, expect, it } from 'vitest'
import { type Kept, Ledger } from './ledger.ts'

let ledger: Ledger
const record: Kept = { id: 'id-1', call: 'call-1', outcome: 'ok', responseSha256: 'abc' }

beforeEach(() => {
  ledger = new Ledger()
  ledger.begun('call-1')
  ledger.arrived('call-1')
  ledger.headed('call-1', 'id-1')
  ledger.ended('call-1', 'clean', false, 'abc')
})

it('finds nothing where the records say what clients and upstream saw', () => {
  expect(ledger.compare([record])).toEqual({
    calls: 1,
    completed: 1,
    records: 1,
    interrupted: 0,
    requestsLost: [],
    recordsLost: [],
    doubled: [],
    untrue: [],
  })
})

it('finds a completed call without a record, and one that only the upstream saw', () => {
  ledger.begun('call-2')
  ledger.arrived('call-2')
  ledger.ended('call-2', 'cut', true)
  ledger.begun('call-3')
  ledger.ended('call-3', 'cut', true)
  const { recordsLost } = ledger.compare([])
  expect(recordsLost.map((text) => text.split(' ')[0])).toEqual(['call-1', 'call-2'])
})

it('finds a call that was cut while the proxy was running', () => {
  ledger.begun('call-2')
  ledger.ended('call-2', 'cut', false)
  expect(ledger.compare([record]).requestsLost).toEqual(['call-2 ended cut'])
})

it('finds a call that failed without a reason, and one that failed and is recorded as a success', () => {
  ledger.begun('call-2')
  ledger.headed('call-2', 'id-2')
  ledger.ended('call-2', 'failed', false)
  const { requestsLost, untrue } = ledger.compare([record, { ...record, id: 'id-2', call: 'call-2' }])
  expect(requestsLost).toEqual(['call-2 ended failed'])
  expect(untrue).toEqual(['call-2 failed and is recorded as ok'])
})

it('finds a second record, and a request that the upstream saw twice', () => {
  expect(ledger.compare([record, { ...record, id: 'id-2' }]).doubled).toHaveLength(1)
  ledger.arrived('call-1')
  expect(ledger.compare([record]).doubled).toHaveLength(1)
})

it.each([
  [{ id: 'id-2' }, 'the client was told id-1'],
  [{ outcome: 'interrupted' as const }, 'recorded as interrupted'],
  [{ responseSha256: 'abd' }, 'recorded abd'],
  [{ call: 'call-9' }, 'which nobody sent'],
])('finds a record that says %o', (difference, finding) => {
  expect(ledger.compare([{ ...record, ...difference }]).untrue.join()).toContain(finding)
})

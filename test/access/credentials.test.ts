import { expect, it } from 'vitest'
import { createAccess, Misplaced, presentedKeys } from '../../src/access/credentials.ts'
import { keyedHash } from '../../src/lib/keyed-hash.ts'

const pepper = 'a pepper for tests'
const access = createAccess({ adminToken: 'sga_admin', pepper })
const holderOf = (key: string, from: 'header' | 'query' = 'header') => ({
  kind: 'key',
  keyId: keyedHash(pepper, key),
  from,
})

it.each([
  ['authorization', 'Bearer sk-1'],
  ['authorization', 'bearer   sk-1 '],
  ['authorization', 'sk-1'],
  ['authorization', 'Basic sk-1'],
  ['x-api-key', 'sk-1'],
  ['api-key', 'sk-1'],
  ['x-goog-api-key', 'sk-1'],
])('takes the key from %s: %s', (name, value) => {
  expect(presentedKeys({ [name]: value }, '/usage')).toEqual([{ value: 'sk-1', from: 'header' }])
  expect(access.identify({ [name]: value }, '/usage')).toEqual(holderOf('sk-1'))
})

it('takes the key from the query, decoded, when no header has one', () => {
  expect(access.identify({}, '/usage/self?key=AIza%2B1&x=y')).toEqual(holderOf('AIza+1', 'query'))
})

it('leaves ?key= a filter when a header says who asks', () => {
  expect(access.identify({ authorization: 'Bearer sga_admin' }, '/usage?key=other')).toEqual({ kind: 'admin' })
  expect(access.identify({ 'x-api-key': 'sk-1' }, '/usage/self?key=other')).toEqual(holderOf('sk-1'))
})

it('knows nobody without a key', () => {
  for (const headers of [
    {},
    { authorization: '' },
    { authorization: 'Bearer ' },
    { authorization: 'Bearer' },
    { cookie: 'key=1' },
  ])
    expect(access.identify(headers, '/usage?key=')).toBeNull()
})

it('goes by the first key sent, as the proxy does, unless one of them is the admin token', () => {
  expect(access.identify({ 'x-api-key': 'one', authorization: 'Bearer two' }, '/')).toEqual(holderOf('one'))
  expect(access.identify({ authorization: 'Bearer two', 'x-api-key': 'one' }, '/')).toEqual(holderOf('two'))
  expect(access.identify({ 'x-api-key': 'one', authorization: 'Bearer sga_admin' }, '/')).toEqual({ kind: 'admin' })
})

it('takes no near miss for the admin', () => {
  for (const token of ['sga_admi', 'sga_admin1', 'SGA_ADMIN', ' sga_ admin', 'sga_admin,sga_admin'])
    expect(access.identify({ authorization: `Bearer ${token}` }, '/')).toEqual(holderOf(token.trim()))
})

it('refuses the admin token in a URL without repeating it', () => {
  expect(() => access.identify({}, '/usage?key=sga_admin')).toThrow(Misplaced)
  expect(() => access.identify({}, '/usage?key=sga_admin')).toThrow(/^(?!.*sga_admin)/)
})

it('tells the same key apart under another pepper, and the same under the same', () => {
  const headers = { authorization: 'Bearer sk-1' }
  const elsewhere = createAccess({ adminToken: 'x', pepper: 'another' })
  expect(elsewhere.identify(headers, '/')).not.toEqual(access.identify(headers, '/'))
  expect(createAccess({ adminToken: 'x', pepper }).identify(headers, '/')).toEqual(access.identify(headers, '/'))
})

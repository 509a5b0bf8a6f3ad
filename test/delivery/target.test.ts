import { expect, it } from 'vitest'
import { targetOf } from '../../src/delivery/target.ts'

it('names a place by its hosts and database, without user, password and options', () => {
  const plain = targetOf('mongodb://ada:p%40ss@B.example:27017,a.example/x?retryWrites=true', 'sightglass')
  expect(plain).toBe('mongodb://a.example,b.example:27017/sightglass')
  expect(targetOf('mongodb://bob:new@a.example,b.example:27017', 'sightglass')).toBe(plain)
  expect(targetOf('mongodb://a.example,b.example:27017', 'other')).not.toBe(plain)
  expect(targetOf('mongodb+srv://u:p@cluster.example.com/?appName=T', 'x')).toBe('mongodb+srv://cluster.example.com/x')
})

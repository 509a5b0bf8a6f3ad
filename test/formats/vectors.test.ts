import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadSamples } from '../support/samples.ts'
import { vectors } from './vectors.ts'

const root = join(import.meta.dirname, '..', '..')
const known = new Set(loadSamples().map(({ name }) => name))
const last = 54

describe('the tricky cases of the wire formats', () => {
  it('are all there, each with something that shows it', () => {
    const numbers = new Set(vectors.map(({ number }) => number))
    expect([...numbers].sort((one, other) => one - other)).toEqual(
      Array.from({ length: last }, (_, place) => place + 1),
    )
    const shown = ({ samples = [], tests = [] }: (typeof vectors)[number]) => samples.length + tests.length
    expect(vectors.filter((vector) => shown(vector) === 0)).toEqual([])
  })

  it('name samples that exist', () => {
    expect(vectors.flatMap(({ samples = [] }) => samples).filter((name) => !known.has(name))).toEqual([])
  })

  it('name tests that exist', () => {
    const missing = vectors
      .flatMap(({ tests = [] }) => tests)
      .filter(({ file, title }) => {
        const path = join(root, file)
        return !existsSync(path) || !readFileSync(path, 'utf8').includes(title)
      })
    expect(missing).toEqual([])
  })
})

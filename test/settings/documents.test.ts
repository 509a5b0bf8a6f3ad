import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { settingsReference } from '../../src/settings/reference.ts'
import { fields, table } from '../../src/settings/table.ts'
import { load } from './support.ts'

const root = join(import.meta.dirname, '..', '..')
const yaml = readFileSync(join(root, 'config/sightglass.yaml'), 'utf8')

describe('config/sightglass.yaml', () => {
  it('loads, and gives exactly the defaults', () => {
    const cwd = join(root, 'test')
    const { settings } = load({ cwd, flags: { config: '../config/sightglass.yaml' } })
    expect(settings).toEqual(load({ cwd }).settings)
  })

  it.each(fields)('names %s', (field) => {
    const [section, name] = table[field].path.split('.')
    const place = name === undefined ? `^${section}:` : `^${section}:\\n(?:(?: .*|#.*)?\\n)*?  ${name}:`
    expect(yaml).toMatch(new RegExp(place, 'm'))
  })

  it('holds examples that load when their comment signs are taken away', () => {
    const live = yaml
      .replace(/^(upstreams|projects|keys| {2}rules): (?:\{\}|\[\])$/gm, '$1:')
      .replace(/^#( {2,}\S.*)$/gm, '$1')
      .replace(/^ {3}- \{/gm, '    - {')
    const { settings } = load({ yaml: live })
    expect(settings.upstreams['vllm-b']).toMatchObject({ provider: 'vllm', proxy: 'direct' })
    expect(Object.keys(settings.projects)).toEqual(['checkout'])
    expect(Object.values(settings.keys)).toEqual([{ project: 'checkout', name: 'Checkout, production' }])
    expect(settings.captureRules).toHaveLength(2)
  })
})

it('docs/settings.md is what scripts/settings-docs.ts makes of the table', () => {
  expect(readFileSync(join(root, 'docs/settings.md'), 'utf8')).toBe(settingsReference())
})

import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * Imports point one way. Each row is a room under `src/` and the rooms it may import from, besides itself; a new room needs
 * a row. Only `main.ts`, `recorder.ts` and `reader.ts` know every part.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  records: ['lib'],
  settings: ['lib', 'records'],
  formats: ['lib', 'records'],
  meter: ['lib', 'records', 'formats'],
  journal: ['lib', 'records'],
  proxy: ['lib', 'records', 'settings', 'journal'],
  serving: ['lib', 'records', 'settings', 'journal', 'proxy'],
  pipeline: ['lib', 'records', 'formats', 'meter', 'journal'],
  delivery: ['lib', 'records'],
  stores: ['lib', 'records', 'delivery', 'pipeline'],
  exporters: ['lib', 'records', 'delivery'],
  access: ['lib', 'records', 'settings'],
  api: ['lib', 'records', 'settings', 'formats', 'access', 'stores'],
  cli: ['lib', 'records', 'settings', 'formats', 'meter', 'pipeline', 'stores', 'exporters', 'api', 'demo'],
  demo: ['lib', 'records', 'settings'],
}

/** Packages and built-in modules that only some rooms may know. Whatever is not listed may be used nowhere. */
const packages: Readonly<Record<string, readonly string[]>> = {
  hono: ['api'],
  '@hono/node-server': ['api'],
  '@hono/zod-openapi': ['api'],
  zod: ['api'],
  undici: ['proxy'],
  tiktoken: ['meter'],
  minizlib: ['lib'],
  'eventsource-parser': ['formats'],
  'lru-cache': ['proxy', 'access', 'api'],
  pino: ['lib'],
  yaml: ['settings', 'meter'],
  'cli-table3': ['cli'],
  openai: ['demo'],
  '@anthropic-ai/sdk': ['demo'],
  ollama: ['demo'],
  mongodb: ['stores'],
  'prom-client': ['api'],
  'csv-stringify': ['exporters'],
  'csv-parse': ['exporters'],
  'node:sqlite': ['stores'],
}

const specifier =
  /^(?:import|export)\b[^'"`;]*?\bfrom '([^'\s]+)'|^import '([^'\s]+)'|\bimport\('([^'\s]+)'\)|\bnew URL\('(\.[^'\s]+)'/gm

const root = join(import.meta.dirname, '..')
const sources = globSync('src/**/*.ts', { cwd: root }).map((path) => path.replaceAll('\\', '/'))

interface Import {
  file: string
  room: string
  target: string
}

const imports: Import[] = sources.flatMap((file) => {
  const room = file.split('/').length > 2 ? file.split('/')[1]! : 'entry'
  const text = readFileSync(join(root, file), 'utf8')
  const targets = [...text.matchAll(specifier)]
  return targets.map((match) => ({ file, room, target: match.slice(1).find((part) => part !== undefined)! }))
})

const isRelative = (target: string): boolean => target.startsWith('.')
const packageOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')

describe('imports point one way', () => {
  it('looks at real files', () => {
    expect(sources.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(200)
  })

  it('has a row for every room', () => {
    const found = new Set(imports.map(({ room }) => room).filter((room) => room !== 'entry'))
    expect([...found].filter((room) => !(room in rooms))).toEqual([])
  })

  it('keeps every room to its neighbours', () => {
    const wrong = imports
      .filter(({ target, room }) => isRelative(target) && room !== 'entry')
      .map(({ file, room, target }) => ({ file, room, path: normalize(join(dirname(file), target)).split('/') }))
      .filter(
        ({ room, path }) =>
          path[0] === 'src' && path.length > 2 && path[1] !== room && !rooms[room]?.includes(path[1]!),
      )
      .map(({ file, path }) => `${file} imports ${path.join('/')}`)
    expect(wrong).toEqual([])
  })

  it('lets only the entries and the command line know the entries', () => {
    const wrong = imports
      .filter(
        ({ target, room }) => isRelative(target) && !['entry', 'cli', 'demo', 'pipeline', 'stores'].includes(room),
      )
      .map(({ file, target }) => ({ file, path: normalize(join(dirname(file), target)).split('/') }))
      .filter(({ path }) => path[0] === 'src' && path.length === 2)
    expect(wrong).toEqual([])
  })

  it('keeps packages behind their rooms', () => {
    const wrong = imports
      .filter(({ target, room }) => !isRelative(target) && room !== 'entry')
      .filter(({ target, room }) => {
        const name = target.startsWith('node:') ? target : packageOf(target)
        if (packages[name]) return !packages[name].includes(room)
        return !(target.startsWith('node:') && builtinModules.includes(target.slice(5)))
      })
      .map(({ file, target }) => `${file} imports ${target}`)
    expect(wrong).toEqual([])
  })

  it('has a reason in docs/decisions for every runtime dependency', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const reasons = readFileSync(join(root, 'docs/decisions/dependencies.md'), 'utf8')
    expect(Object.keys(dependencies).filter((name) => !reasons.includes(`\`${name}\``))).toEqual([])
  })
})

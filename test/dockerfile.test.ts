import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Instruction {
  readonly name: string
  readonly words: string
}

/** The instructions of each stage. */
const stages = read('Dockerfile')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .reduce<Instruction[][]>((found, line) => {
    const [, name = '', words = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') found.push([])
    found.at(-1)!.push({ name, words })
    return found
  }, [])
const image = stages.at(-1)!
const all = (name: string) => image.filter((one) => one.name === name).map(({ words }) => words)
const place = (name: string) => image.findIndex((one) => one.name === name)

it('runs node itself as its first process, from the entry that the package names', () => {
  const [entry, ...more] = all('ENTRYPOINT')
  expect(more).toEqual([])
  const words = JSON.parse(entry!) as string[]
  expect(words[0]).toBe('node')
  expect(words.at(-1)).toBe(JSON.parse(read('package.json')).bin.sightglass)
  expect(JSON.parse(all('CMD')[0]!)).toEqual(['start'])
})

it('starts node as `npm start` does', () => {
  const { flags, environment } = JSON.parse(read('scripts/node-options.json'))
  expect(JSON.parse(all('ENTRYPOINT')[0]!).slice(1, -1)).toEqual(flags)
  const set = all('ENV').join(' ').split(' ')
  for (const [name, value] of Object.entries(environment)) expect(set).toContain(`${name}=${value}`)
})

it('runs as a user without rights, and writes only to the volume', () => {
  expect(all('USER')).toEqual(['node'])
  expect(place('USER')).toBeLessThan(place('ENTRYPOINT'))
  expect(all('RUN')).toEqual(['mkdir /data && chown node:node /data'])
  expect(all('VOLUME')).toEqual(['/data'])
  expect(all('ENV').join(' ')).toContain('DATA_DIR=/data')
})

it('knows its own health and stops by the signal that drains', () => {
  const [health] = all('HEALTHCHECK')
  const command = JSON.parse(/CMD\s+(\[.*\])$/.exec(health!)![1]!) as string[]
  expect(command[0]).toBe('node')
  expect(command.join(' ')).toContain('/health')
  expect(all('STOPSIGNAL')).toEqual(['SIGTERM'])
})

it('copies only what is there', () => {
  const ignored = read('.dockerignore').trim().split('\n')
  const made = ['node_modules', 'dist']
  const sources = stages.flat().flatMap(({ name, words }) => {
    if (name !== 'COPY') return []
    const paths = words.split(/\s+/).filter((word) => !word.startsWith('--'))
    return paths.slice(0, -1).map((path) => path.replace(/^\/app\//, ''))
  })
  expect(sources).toEqual(expect.arrayContaining(['package-lock.json', '.', 'dist', 'NOTICE']))
  const missing = sources.filter(
    (path) => !made.includes(path) && (!existsSync(join(root, path)) || ignored.includes(path)),
  )
  expect(missing).toEqual([])
})

it('leaves out of the build what the image does not need, and what is private', () => {
  expect(read('.dockerignore').trim().split('\n')).toEqual(
    expect.arrayContaining(['.git', 'node_modules', 'data', 'test']),
  )
})

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FileCalls, realFiles } from '../../../src/exporters/csv/day-file.ts'
import { headerText } from '../../../src/exporters/csv/text.ts'
import { aPurge } from '../../support/records.ts'
import { day, fallbackParts, file, idsIn, placed } from './fallback-parts.ts'

const dayMs = 86_400_000
const later = { boundMs: day + dayMs }
const by = (place: number, soeid: string | null, project = 'acme', atMs = day, llm_model = 'm') =>
  placed(place, { atMs, metadata: { soeid, client_id: project, llm_model } })

describe('a purge of the CSV files', () => {
  it('takes out the rows that have all that is named, and leaves the others as they stood there', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    const text = '"quoted", =formula\r\nsecond line, ada'
    fallback.append([by(1, 'ada'), by(2, 'bob', 'acme', day, text), by(3, 'ada', 'beta'), by(4, null), by(5, 'ada')])
    const lines = readFileSync(join(directory, file), 'utf8')
    expect(await fallback.purge(aPurge({ ...later, user: 'ada', project: 'acme', dry: true }))).toMatchObject({
      rows: 2,
    })
    expect(readFileSync(join(directory, file), 'utf8')).toBe(lines)
    expect(await fallback.purge(aPurge({ ...later, user: 'ada', project: 'acme' }))).toEqual({ rows: 2, changed: 0 })
    expect(idsIn(directory)).toEqual({ [file]: ['id-2', 'id-3', 'id-4'] })
    const kept = lines.split(/(?<=\r\n)(?=2026)/).filter((row) => !/id-[15],/.test(row))
    expect(readFileSync(join(directory, file), 'utf8')).toBe(kept.join(''))
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
    fallback.append([by(6, 'ada')])
    expect(idsIn(directory)).toEqual({ [file]: ['id-2', 'id-3', 'id-4', 'id-6'] })
  })

  it.each(['=ada', "'=ada", 'a "b"', 'ä,ö', 'a\r\nb'])(
    'finds the user %j however a file has to write it',
    async (user) => {
      const { directory, open } = fallbackParts()
      const fallback = open()
      fallback.append([by(1, user), by(2, 'ada')])
      expect(await fallback.purge(aPurge({ ...later, user }))).toMatchObject({ rows: 1 })
      expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
    },
  )

  it('removes a file that has no row left', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.append([by(1, 'ada', 'acme', day - dayMs), by(2, 'ada')])
    expect(await fallback.purge(aPurge({ beforeMs: day }))).toEqual({ rows: 1, changed: 0 })
    expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
    fallback.append([by(3, 'ada', 'acme', day - dayMs)])
    expect(idsIn(directory)).toEqual({ 'telemetry_2026-11-20.csv': ['id-3'], [file]: ['id-2'] })
  })

  it('is about calls of before its moment only', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.append([by(1, 'ada', 'acme', day - 1), by(2, 'ada')])
    await fallback.purge(aPurge({ user: 'ada', boundMs: day }))
    expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
  })

  it('of a project named system leaves what happened to the connection', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.appendEvent({ atMs: day, event: 'lost', status: 'error', details: {} })
    fallback.append([by(1, null, 'system')])
    expect(await fallback.purge(aPurge({ ...later, project: 'system' }))).toMatchObject({ rows: 1 })
    expect(idsIn(directory)).toEqual({ [file]: [`conn_${day}`] })
  })

  it('reaches the files of days long ago, also after a start', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    for (let at = 0; at < 12; at++)
      fallback.append([
        by(2 * at + 1, 'ada', 'acme', day + at * dayMs),
        by(2 * at + 2, 'bob', 'acme', day + at * dayMs),
      ])
    expect(readdirSync(directory)).toHaveLength(12)
    expect(await open().purge(aPurge({ user: 'ada', boundMs: day + 99 * dayMs }))).toEqual({ rows: 12, changed: 0 })
    expect(Object.values(idsIn(directory)).flat()).toEqual(Array.from({ length: 12 }, (_, at) => `id-${2 * at + 2}`))
    expect(await open().purge(aPurge({ user: 'bob', boundMs: day + 99 * dayMs }))).toEqual({ rows: 12, changed: 0 })
    expect(readdirSync(directory)).toEqual([])
  })

  it('leaves files alone that others made or changed, and says how many it could not touch', async () => {
    const { directory, open } = fallbackParts()
    mkdirSync(directory)
    const theirs = join(directory, file)
    writeFileSync(theirs, `${headerText}theirs\r\n`)
    const fallback = open()
    fallback.append([by(1, 'ada')])
    const ours = join(directory, 'telemetry_2026-11-21.2.csv')
    writeFileSync(ours, 'note\n', { flag: 'a' })
    const changed = readFileSync(ours, 'utf8')
    expect(await fallback.purge(aPurge({ ...later, user: 'ada' }))).toEqual({ rows: 0, changed: 1 })
    expect(readFileSync(theirs, 'utf8')).toBe(`${headerText}theirs\r\n`)
    expect(readFileSync(ours, 'utf8')).toBe(changed)
  })

  it('has nothing to do where there is no directory', async () => {
    const { open } = fallbackParts()
    expect(await open().purge(aPurge({ user: 'ada' }))).toEqual({ rows: 0, changed: 0 })
  })

  it('leaves a file as it is when the disk takes no new one, and does it the next time', async () => {
    let full = false
    const files: FileCalls = {
      ...realFiles,
      sync(handle) {
        if (full) throw new Error('disk full')
        realFiles.sync(handle)
      },
    }
    const { directory, open } = fallbackParts(files)
    const fallback = open()
    fallback.append([by(1, 'ada'), by(2, 'bob')])
    full = true
    await expect(fallback.purge(aPurge({ ...later, user: 'ada' }))).rejects.toThrow('disk full')
    expect(idsIn(directory)).toEqual({ [file]: ['id-1', 'id-2'] })
    full = false
    expect(await fallback.purge(aPurge({ ...later, user: 'ada' }))).toMatchObject({ rows: 1 })
    expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
  })

  it.each([
    ['before the files were exchanged', 1],
    ['after the files were exchanged', 2],
  ])('knows its file again when it died %s', async (_, dyingWrite) => {
    const { directory, kept, open } = fallbackParts()
    const fallback = open()
    fallback.append([by(1, 'ada'), by(2, 'bob')])
    const { write } = kept
    let writes = 0
    kept.write = (text) => {
      if (++writes === dyingWrite) {
        if (dyingWrite === 1) write(text)
        throw new Error('died here')
      }
      write(text)
    }
    await expect(fallback.purge(aPurge({ ...later, user: 'ada' }))).rejects.toThrow('died here')
    kept.write = write
    const again = open()
    again.append([by(3, 'ada')])
    expect(await again.purge(aPurge({ ...later, user: 'ada' }))).toMatchObject({
      rows: dyingWrite === 1 ? 2 : 1,
      changed: 0,
    })
    expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
  })

  it('takes no file for its own that was put in the place of one', async () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.append([by(1, 'ada')])
    renameSync(join(directory, file), join(directory, 'mine.csv'))
    expect(await fallback.purge(aPurge({ ...later, user: 'ada' }))).toEqual({ rows: 0, changed: 0 })
    expect(idsIn(directory)).toEqual({ 'mine.csv': ['id-1'] })
  })
})

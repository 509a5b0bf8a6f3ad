import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type FileCalls, realFiles } from '../../../src/exporters/csv/day-file.ts'
import { day, fallbackParts, file, idsIn, placed, rowsOf } from './fallback-parts.ts'

describe('the CSV fallback', () => {
  it('writes a call as a row under one header, for its owner alone to read', () => {
    const { directory, open } = fallbackParts()
    const record = placed(1, { metadata: { llm_model: 'a "b", c', additional_data: { temperature: 0 } } })
    open().append([record])
    open().append([placed(2)])
    const [first, second, ...rest] = rowsOf(directory, file)
    expect(rest).toEqual([])
    expect(first).toMatchObject({
      timestamp: '2026-11-21T10:00:00.000Z',
      event_type: 'llm_request',
      client_id: 'acme',
      llm_model: 'a "b", c',
      status_code: '200',
      latency_ms: '224.5',
      total_tokens: '17',
      soeid: '',
      additional_data: '{"temperature":0}',
    })
    expect(second?.request_id).toBe('id-2')
    expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it('has a file for each UTC day of the records', () => {
    const { directory, open } = fallbackParts()
    open().append([placed(1, { atMs: Date.UTC(2026, 10, 20, 23, 59, 59, 999) }), placed(2)])
    expect(idsIn(directory)).toEqual({ 'telemetry_2026-11-20.csv': ['id-1'], [file]: ['id-2'] })
  })

  it('appends no record twice, also after a start', () => {
    const { directory, open } = fallbackParts()
    expect(open().append([placed(1), placed(2)])).toBe(2)
    const again = open()
    expect(again.place()).toBe(2)
    expect(again.append([placed(1), placed(2), placed(3)])).toBe(1)
    expect(again.append([placed(3)])).toBe(0)
    expect(idsIn(directory)).toEqual({ [file]: ['id-1', 'id-2', 'id-3'] })
  })

  it('cuts off what a crash left behind the last whole batch', () => {
    const { directory, open } = fallbackParts()
    open().append([placed(1)])
    writeFileSync(join(directory, file), '2026-11-21T10:00:00.000Z,llm_request,"half', { flag: 'a' })
    open().append([placed(2)])
    expect(idsIn(directory)).toEqual({ [file]: ['id-1', 'id-2'] })
  })

  it('writes a batch again whose place could not be remembered', () => {
    const { directory, kept, open } = fallbackParts()
    const fallback = open()
    fallback.append([placed(1)])
    const { write } = kept
    kept.write = () => {
      throw new Error('disk full')
    }
    expect(() => fallback.append([placed(2), placed(3)])).toThrow('disk full')
    kept.write = write
    expect(fallback.append([placed(2), placed(3), placed(4)])).toBe(3)
    expect(idsIn(directory)).toEqual({ [file]: ['id-1', 'id-2', 'id-3', 'id-4'] })
  })

  it('leaves no part of a batch that the disk took half of', () => {
    let short = false
    const files: FileCalls = {
      ...realFiles,
      write: (handle, bytes, offset, length, position) =>
        writeSync(handle, bytes, offset, short ? Math.floor(length / 2) : length, position),
    }
    const { directory, open } = fallbackParts(files)
    const fallback = open()
    fallback.append([placed(1)])
    const before = readFileSync(join(directory, file))
    short = true
    expect(() => fallback.append([placed(2)])).toThrow(/of \d+ bytes were written/)
    expect(readFileSync(join(directory, file))).toEqual(before)
    short = false
    fallback.append([placed(2)])
    expect(idsIn(directory)).toEqual({ [file]: ['id-1', 'id-2'] })
  })

  it.each([
    ['of a predecessor with other columns', 'timestamp,request_id\n2026-11-21,1\n'],
    ['that is empty', ''],
  ])('leaves a file %s as it is', (_, text) => {
    const { directory, open } = fallbackParts()
    mkdirSync(directory)
    writeFileSync(join(directory, file), text)
    open().append([placed(1)])
    expect(readFileSync(join(directory, file), 'utf8')).toBe(text)
    expect(rowsOf(directory, 'telemetry_2026-11-21.2.csv').map(({ request_id }) => request_id)).toEqual(['id-1'])
  })

  it('goes on in another file when somebody changed the one it wrote', () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.append([placed(1)])
    writeFileSync(join(directory, file), 'note\n', { flag: 'a' })
    fallback.append([placed(2)])
    expect(readFileSync(join(directory, file), 'utf8')).toMatch(/id-1[\s\S]*note\n$/)
    expect(rowsOf(directory, 'telemetry_2026-11-21.2.csv').map(({ request_id }) => request_id)).toEqual(['id-2'])
  })

  it('makes the directory again when it is gone, and says what is wrong when it cannot be had', () => {
    const { directory, open } = fallbackParts()
    const fallback = open()
    fallback.append([placed(1)])
    rmSync(directory, { recursive: true })
    fallback.append([placed(2)])
    expect(idsIn(directory)).toEqual({ [file]: ['id-2'] })
    rmSync(directory, { recursive: true })
    writeFileSync(directory, '')
    expect(() => fallback.append([placed(3)])).toThrow(/EEXIST|ENOTDIR/)
    rmSync(directory)
    expect(fallback.append([placed(3)])).toBe(1)
  })

  it('writes what happened to the connection between the calls', () => {
    const { directory, open } = fallbackParts()
    open().appendEvent({ atMs: day, event: 'lost', status: 'error', details: { sink: 'mongodb' } })
    expect(rowsOf(directory, file)).toEqual([
      expect.objectContaining({
        event_type: 'connection_lost',
        request_id: `conn_${day}`,
        client_id: 'system',
        target_service: 'database',
        endpoint: 'connection',
        method: 'SYSTEM',
        status_code: '500',
        latency_ms: '0',
        additional_data: '{"sink":"mongodb"}',
      }),
    ])
  })
})

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { onTestFinished } from 'vitest'
import type { FileCalls } from '../../../src/exporters/csv/day-file.ts'
import { type KeptText, openCsvFallback } from '../../../src/exporters/csv/index.ts'
import { aRecord, type RecordOverrides } from '../../support/records.ts'

/** The moment of the records, and the file of its day. */
export const day = Date.UTC(2026, 10, 21, 10)
export const file = 'telemetry_2026-11-21.csv'

export const placed = (place: number, overrides: RecordOverrides = {}) => ({
  place,
  record: aRecord({ id: `id-${place}`, atMs: day, ...overrides }),
})

/** A directory for files, and the texts that outlive a start. */
export function fallbackParts(files?: FileCalls) {
  const home = mkdtempSync(join(tmpdir(), 'sightglass-csv-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const [kept, past] = [aText(), aText()]
  const directory = join(home, 'telemetry_logs')
  return { directory, kept, open: () => openCsvFallback({ directory, kept, past, ...(files ? { files } : {}) }) }
}

function aText(): KeptText {
  let text: string | null = null
  return {
    read: () => text,
    write: (next) => {
      text = next
    },
  }
}

export const rowsOf = (directory: string, name: string): Record<string, string>[] =>
  parse(readFileSync(join(directory, name)), { columns: true, record_delimiter: '\r\n' })

export const idsIn = (directory: string) =>
  Object.fromEntries(
    readdirSync(directory).map((name) => [name, rowsOf(directory, name).map(({ request_id }) => request_id)]),
  )

import type { Readable } from 'node:stream'
import { type CsvError, type Info, parse } from 'csv-parse'
import type { StoredRecord } from '../../records/stored.ts'
import { type Cells, recordOfCells, WrongCell } from './cells.ts'
import { type Column, columns, connectionPrefix } from './columns.ts'
import { textOfCell } from './text.ts'

/** One row of a file. `left`: no call of its own, an event of the connection or the second row that a predecessor wrote of a call. */
export type CsvItem = { kind: 'call'; record: StoredRecord } | { kind: 'left' } | { kind: 'refused'; refusal: Refusal }

export interface Refusal {
  /** Where the row begins, from 1. */
  line: number
  column: Column | null
  value: string
  reason: string
}

/** The file does not begin with the header of a telemetry file. */
export class NotTelemetry extends Error {
  override name = 'NotTelemetry'
}

/** Reads a file of ours or of a predecessor (contracts 2.3). Throws `NotTelemetry` for another header. */
export async function* readCsv(input: Readable, instance: string): AsyncGenerator<CsvItem> {
  let skipped: Refusal[] = []
  let nextLine = 1
  const parser = parse({
    bom: true,
    info: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
    skip_records_with_error: true,
    on_skip: (error) => {
      if (error) skipped.push(unreadable(error, nextLine))
      return undefined
    },
  })
  input.once('error', (error) => parser.destroy(error))
  let header: readonly string[] | null = null
  for await (const one of input.pipe(parser)) {
    const { record, info } = one as { record: string[]; info: Info }
    yield* takeSkipped()
    const line = nextLine
    nextLine = info.lines + 1
    if (header === null) {
      header = checkedHeader(record)
      continue
    }
    yield itemOf(record, header, line, instance)
  }
  yield* takeSkipped()
  if (header === null) throw new NotTelemetry('the file is empty: not even a header')

  function* takeSkipped(): Generator<CsvItem> {
    const found = skipped
    skipped = []
    for (const refusal of found) yield { kind: 'refused', refusal }
  }
}

function checkedHeader(cells: readonly string[]): readonly string[] {
  const missing = columns.filter((column) => !cells.includes(column))
  if (missing.length > 0) throw new NotTelemetry(`its first line has no column ${missing.join(', ')}`)
  return cells
}

function itemOf(record: readonly string[], header: readonly string[], line: number, instance: string): CsvItem {
  if (record.length !== header.length) {
    const reason = `the row has ${record.length} columns, the header ${header.length}`
    return { kind: 'refused', refusal: { line, column: null, value: shown(record.join(',')), reason } }
  }
  const cells = Object.fromEntries(header.map((column, place) => [column, textOfCell(record[place] ?? '')])) as Cells
  if (cells.event_type.startsWith(connectionPrefix) || cells.event_type === 'llm_run') return { kind: 'left' }
  try {
    return { kind: 'call', record: recordOfCells(cells, instance) }
  } catch (error) {
    if (!(error instanceof WrongCell)) throw error
    const { column, wants } = error
    return { kind: 'refused', refusal: { line, column, value: shown(cells[column]), reason: `wants ${wants}` } }
  }
}

const unreadable = (error: CsvError, line: number): Refusal => ({
  line,
  column: null,
  value: '',
  reason: reasons[error.code] ?? `is no CSV (${error.code})`,
})

const reasons: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'a quote is not closed before the end of the file',
  CSV_MAX_RECORD_SIZE: 'the row is longer than 64 MiB; a quote may not be closed',
  CSV_INVALID_CLOSING_QUOTE: 'text stands behind a closing quote',
  INVALID_OPENING_QUOTE: 'a quote stands within a cell that does not begin with one',
}

const shown = (value: string): string => (value.length > shownLength ? `${value.slice(0, shownLength)}…` : value)

const shownLength = 60
const longestRow = 64 * 1024 * 1024

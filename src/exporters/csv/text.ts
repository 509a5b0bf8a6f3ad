import { stringify } from 'csv-stringify/sync'
import { columns, type Row } from './columns.ts'

/** Rows as RFC 4180 has them; a text that a spreadsheet would run as a formula begins with an apostrophe. */
export const rowsText = (rows: readonly Row[]): string =>
  stringify(
    rows.map((row) => columns.map((column) => cellOf(row[column]))),
    // in many countries a spreadsheet splits at `;`
    { record_delimiter: '\r\n', quoted_match: /[\r\n\t\0;]/ },
  )

export const headerText = `${columns.join(',')}\r\n`

const cellOf = (value: string | number | null): string | number | null =>
  typeof value === 'string' && formula.test(value) ? `'${value}` : value

/** What `rowsText` made of a text, taken back. */
export const textOfCell = (cell: string): string => (cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell)

/** Apostrophes before it count too, so that the one that is written can be told from one that was there. */
const formula = /^'*[=+\-@\t\r\0]/

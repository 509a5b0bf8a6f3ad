import Table from 'cli-table3'
import { shortened, widthOf } from './text.ts'

export interface Column<Row> {
  readonly head: string
  readonly text: (row: Row) => string
  readonly align?: 'left' | 'right'
  /** May be cut, down to so many columns, when the terminal is narrow. */
  readonly least?: number
  /** Is not cut below so many columns as long as others can be left out instead. */
  readonly wanted?: number
  /** Left out when nothing else helps: the highest number first. */
  readonly leaveOut?: number
}

/** A table in a quiet style, no wider than `width` as far as its columns can give way. */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string {
  let shown = columns.map((column) => ({ column, cells: rows.map((row) => column.text(row)) }))
  for (;;) {
    const widths = fitted(shown, width, ({ least, wanted }) => wanted ?? least)
    if (lineWidth(widths) <= width) return drawn(shown, widths)
    const last = shown.reduce((worst, { column }) => Math.max(worst, column.leaveOut ?? 0), 0)
    if (last === 0)
      return drawn(
        shown,
        fitted(shown, width, ({ least }) => least),
      )
    shown = shown.filter(({ column }) => column.leaveOut !== last)
  }
}

interface Shown<Row> {
  readonly column: Column<Row>
  readonly cells: readonly string[]
}

const gap = '  '

const lineWidth = (widths: readonly number[]): number =>
  widths.reduce((sum, one) => sum + one, 0) + gap.length * (widths.length - 1)

/** The widths of the columns: the longest cell, the columns that may be cut giving way in turn, each down to its floor. */
function fitted<Row>(
  shown: readonly Shown<Row>[],
  width: number,
  floorOf: (column: Column<Row>) => number | undefined,
): number[] {
  const widths = shown.map(({ column, cells }) => Math.max(widthOf(column.head), ...cells.map(widthOf)))
  let over = lineWidth(widths) - width
  while (over > 0) {
    const places = shown.flatMap(({ column }, place) => (widths[place]! > (floorOf(column) ?? Infinity) ? place : []))
    const widest = places.sort((one, other) => widths[other]! - widths[one]!)[0]
    if (widest === undefined) break
    widths[widest]!--
    over--
  }
  return widths
}

function drawn<Row>(shown: readonly Shown<Row>[], widths: readonly number[]): string {
  const table = new Table({
    head: shown.map(({ column }, place) => shortened(column.head, widths[place]!)),
    colWidths: [...widths],
    colAligns: shown.map(({ column }) => column.align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    chars: {
      ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
      ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
      ...{ left: '', 'left-mid': '', right: '', 'right-mid': '' },
      ...{ mid: '─', 'mid-mid': '──', middle: gap },
    },
  })
  const rows = shown[0]?.cells.length ?? 0
  for (let row = 0; row < rows; row++) {
    table.push(shown.map(({ cells }, place) => shortened(cells[row] ?? '', widths[place]!)))
  }
  const lines = table.toString().split('\n')
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

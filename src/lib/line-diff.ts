export interface DiffLine {
  /** `removed`: only in the first text; `added`: only in the second. */
  kind: 'same' | 'removed' | 'added'
  text: string
}

/** The lines of both texts as the shortest way from the first to the second. Very long texts that share little are told apart whole. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  const [old, young] = [linesOf(before), linesOf(after)]
  const start = alike(old, young)
  const end = alike(old.slice(start).reverse(), young.slice(start).reverse())
  const as = (kind: DiffLine['kind'], lines: readonly string[]) => lines.map((text): DiffLine => ({ kind, text }))
  const [gone, come] = [old.slice(start, old.length - end), young.slice(start, young.length - end)]
  const middle = gone.length * come.length <= mostCells ? shortest(gone, come) : null
  return [
    ...as('same', old.slice(0, start)),
    ...(middle ?? [...as('removed', gone), ...as('added', come)]),
    ...as('same', old.slice(old.length - end)),
  ]
}

const mostCells = 4_000_000

const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.replace(/\n$/, '').split(/\r?\n/))

function alike(one: readonly string[], other: readonly string[]): number {
  const most = Math.min(one.length, other.length)
  let count = 0
  while (count < most && one[count] === other[count]) count++
  return count
}

/** By the longest common subsequence: `common` holds its length for the rest behind each pair of places. */
function shortest(old: readonly string[], young: readonly string[]): readonly DiffLine[] {
  const width = young.length + 1
  const common = new Uint32Array((old.length + 1) * width)
  for (let row = old.length - 1; row >= 0; row--)
    for (let column = young.length - 1; column >= 0; column--)
      common[row * width + column] =
        old[row] === young[column]
          ? common[(row + 1) * width + column + 1]! + 1
          : Math.max(common[(row + 1) * width + column]!, common[row * width + column + 1]!)
  const lines: DiffLine[] = []
  let [row, column] = [0, 0]
  while (row < old.length || column < young.length) {
    const isSame = row < old.length && column < young.length && old[row] === young[column]
    if (isSame) {
      lines.push({ kind: 'same', text: old[row]! })
      row++
      column++
    } else if (
      column === young.length ||
      (row < old.length && common[(row + 1) * width + column]! >= common[row * width + column + 1]!)
    ) {
      lines.push({ kind: 'removed', text: old[row++]! })
    } else lines.push({ kind: 'added', text: young[column++]! })
  }
  return lines
}

/** The name that was probably meant, or null when none is near: for "did you mean …?". */
export function nearest(given: string, names: Iterable<string>): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(given.length / 3)) + 1
  for (const name of names) {
    const far = name.startsWith(given) && given.length >= 3 ? 1 : distance(given.toLowerCase(), name.toLowerCase())
    if (far < least) {
      best = name
      least = far
    }
  }
  return best
}

/** Up to so many names that begin alike or differ little, the nearest first. */
export function nearNames(given: string, names: Iterable<string>, most: number): readonly string[] {
  const within = Math.max(2, Math.floor(given.length / 3))
  const far = (name: string): number =>
    given.length >= 3 && (name.startsWith(given) || given.startsWith(name)) ? 1 : distance(given, name)
  return [...names]
    .filter((name) => Math.abs(name.length - given.length) <= within || name.startsWith(given))
    .map((name) => ({ name, far: far(name) }))
    .filter((one) => one.far <= within)
    .sort((one, other) => one.far - other.far || (one.name < other.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name)
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function distance(one: string, other: string): number {
  const rows = Array.from({ length: one.length + 1 }, (_, row) => [row, ...Array<number>(other.length).fill(0)])
  for (let column = 0; column <= other.length; column++) rows[0]![column] = column
  for (let row = 1; row <= one.length; row++) {
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1]
      let cost = Math.min(
        rows[row - 1]![column]! + 1,
        rows[row]![column - 1]! + 1,
        rows[row - 1]![column - 1]! + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        cost = Math.min(cost, rows[row - 2]![column - 2]! + 1)
      }
      rows[row]![column] = cost
    }
  }
  return rows[one.length]![other.length]!
}

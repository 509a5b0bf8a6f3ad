/**
 * Looks something up by a header field's name, whatever its case, and remembers it by each spelling: clients write the same few
 * names in every request. Names beyond the limit are looked up each time, for anybody can make them up.
 */
export function byName<T>(look: (lower: string) => T, limit = 2048): (name: string) => T {
  const known = new Map<string, T>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const looked = look(name.toLowerCase())
    if (known.size < limit) known.set(name, looked)
    return looked
  }
}

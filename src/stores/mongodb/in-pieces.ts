/**
 * Writes a list in pieces, larger ones where the server takes them quickly: some servers need four times as long for twice as
 * many, and then the connection is given up.
 */
export async function inPieces<Item>(
  items: readonly Item[],
  write: (piece: readonly Item[]) => Promise<void>,
): Promise<void> {
  let atOnce = 20
  for (let at = 0; at < items.length; ) {
    const startedMs = performance.now()
    const piece = items.slice(at, at + atOnce)
    await write(piece)
    at += piece.length
    const tookMs = performance.now() - startedMs
    if (tookMs < quickMs) atOnce = Math.min(most, atOnce * 2)
    if (tookMs > slowMs) atOnce = Math.max(least, Math.floor(atOnce / 2))
  }
}

const least = 10
const most = 1_000
const quickMs = 200
const slowMs = 1_000

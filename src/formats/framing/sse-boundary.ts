/**
 * Finds the end of the event in progress: the place after the next blank line. Lines end with LF, CRLF or a lone CR, and any
 * of these may be split over two texts.
 */
export class BoundarySearch {
  #before = ''

  /** Index just after the blank line's end, or -1. */
  find(text: string): number {
    let before = this.#before
    let lineStart = before === '\n' || before === '\r'
    for (let place = 0; place < text.length; place++) {
      const character = text[place]!
      const half = character === '\n' && before === '\r'
      if (!half && (character === '\n' || character === '\r')) {
        if (lineStart) return place + 1
        lineStart = true
      } else if (!half) {
        lineStart = false
      }
      before = character
    }
    this.#before = before
    return -1
  }
}

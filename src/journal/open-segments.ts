import { closeSync, openSync } from 'node:fs'

/** Segments held open: the one being read, and those of its oldest open calls. */
const most = 8

/** The files that one reader holds open, by number of segment. */
export class OpenSegments {
  readonly #pathOf: (segment: number) => string
  readonly #files = new Map<number, number>()

  constructor(pathOf: (segment: number) => string) {
    this.#pathOf = pathOf
  }

  /** The file's descriptor; null when there is no such file. The one opened first gives way to a new one. */
  open(segment: number): number | null {
    const known = this.#files.get(segment)
    if (known !== undefined) return known
    try {
      const fd = openSync(this.#pathOf(segment), 'r')
      const [oldest] = this.#files
      if (oldest && this.#files.size >= most) this.#close(oldest)
      this.#files.set(segment, fd)
      return fd
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  /** Closes those of segments before this one. */
  close(before: number): void {
    for (const file of this.#files) if (file[0] < before) this.#close(file)
  }

  #close([segment, fd]: readonly [segment: number, fd: number]): void {
    closeSync(fd)
    this.#files.delete(segment)
  }
}

import { sizeOf } from './day-file.ts'

/** A text that outlives the process. */
export interface KeptText {
  read(): string | null
  /** Safe against a loss of power when it returns. */
  write(text: string): void
}

/** A file of ours and its valid length: behind it stands what a crash left. */
export interface KnownFile {
  name: string
  length: number
  /** The length it has once it is exchanged for one with fewer rows; until then it may be either. */
  becomes?: number
}

/** How far the files reach. */
interface Reach {
  /** Records up to this place in the outbox are in the files. */
  place: number
  /** By day, the file that is written. */
  files: Readonly<Record<string, KnownFile>>
}

/** Which files are ours, and what of them is valid. Those of days long ago are kept apart: they are looked at for purges only. */
export class Book {
  #kept: KeptText
  #past: KeptText
  #reach: Reach

  constructor(kept: KeptText, past: KeptText) {
    this.#kept = kept
    this.#past = past
    const text = kept.read()
    this.#reach = text === null ? { place: 0, files: {} } : (JSON.parse(text) as Reach)
  }

  get place(): number {
    return this.#reach.place
  }

  /** The file of that day that is written to. */
  of(day: string): KnownFile | undefined {
    return this.#reach.files[day]
  }

  /** Those that are written to. */
  current(): readonly KnownFile[] {
    return Object.values(this.#reach.files)
  }

  all(): readonly KnownFile[] {
    return [...this.#pastFiles(), ...this.current()]
  }

  remember(place: number, written: Readonly<Record<string, KnownFile>>): void {
    const days = Object.entries({ ...this.#reach.files, ...written }).sort(([one], [other]) => (one < other ? -1 : 1))
    const old = days.slice(0, -keptDays).map(([, file]) => file)
    if (old.length > 0) this.#writePast([...this.#pastFiles(), ...old])
    this.#write({ place, files: Object.fromEntries(days.slice(-keptDays)) })
  }

  /** Null: it is there no longer. */
  replace(name: string, by: KnownFile | null): void {
    const files = Object.entries(this.#reach.files)
    if (files.some(([, file]) => file.name === name)) {
      const next = files.flatMap(([day, file]) => (file.name !== name ? [[day, file]] : by === null ? [] : [[day, by]]))
      this.#write({ ...this.#reach, files: Object.fromEntries(next) as Reach['files'] })
    } else this.#writePast(this.#pastFiles().flatMap((file) => (file.name !== name ? [file] : by === null ? [] : [by])))
  }

  /** Finds out what became of files that were being exchanged when the process died. */
  settle(directory: string, files: readonly KnownFile[]): void {
    for (const { name, length, becomes } of files) {
      if (becomes === undefined) continue
      const isExchanged = sizeOf(directory, name) === becomes
      this.replace(name, { name, length: isExchanged ? becomes : length })
    }
  }

  #write(reach: Reach): void {
    this.#kept.write(JSON.stringify(reach))
    this.#reach = reach
  }

  #pastFiles(): readonly KnownFile[] {
    const text = this.#past.read()
    return text === null ? [] : (JSON.parse(text) as readonly KnownFile[])
  }

  #writePast(files: readonly KnownFile[]): void {
    const byName = new Map(files.map((file) => [file.name, file]))
    this.#past.write(JSON.stringify([...byName.values()]))
  }
}

/** So many days are written to. */
const keptDays = 7

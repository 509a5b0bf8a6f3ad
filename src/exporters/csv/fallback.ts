import { existsSync, mkdirSync } from 'node:fs'
import type { Fallback } from '../../delivery/fallback.ts'
import { Book, type KeptText, type KnownFile } from './book.ts'
import { callRow, connectionRow, type Row } from './columns.ts'
import { appendWhole, cutBack, type FileCalls, makeFile, realFiles, sizeOf } from './day-file.ts'
import { purgeFiles } from './purge.ts'
import { headerText, rowsText } from './text.ts'

export interface CsvFallbackOptions {
  directory: string
  /** Of this data directory alone. */
  kept: KeptText
  /** The same, for the files of days long ago. */
  past: KeptText
  files?: FileCalls
}

/**
 * The files `telemetry_YYYY-MM-DD.csv` (the UTC day of the record) for people to read while the database is away. A crash
 * leaves no half row and no row twice: rows go to the disk before their place and the file's new length are remembered, and
 * what stands behind the remembered length is cut off. Files that others made or changed are left as they are.
 */
export function openCsvFallback({ directory, kept, past, files = realFiles }: CsvFallbackOptions): Fallback {
  const book = new Book(kept, past)
  let isCut = false

  /** Not before the first row is written: a directory that cannot be had must not stop the start. */
  const cutTails = () => {
    if (isCut) return
    book.settle(directory, book.current())
    for (const { name, length } of book.current()) {
      const size = sizeOf(directory, name)
      if (size !== null && size > length) cutBack(directory, name, length, files)
    }
    isCut = true
  }

  /** The file of that day, made when there is none, or when it is no longer as we left it. */
  const fileOf = (day: string): KnownFile => {
    const known = book.of(day)
    if (known !== undefined && sizeOf(directory, known.name) === known.length) return known
    const made = { name: makeFile(directory, day, files), length: 0 }
    book.remember(book.place, { [day]: made })
    return made
  }

  /** All the rows, or none: the lengths are remembered together with the place. */
  const write = (rows: readonly Row[], place: number) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    cutTails()
    const written: Record<string, KnownFile> = {}
    try {
      for (const [day, ofDay] of Map.groupBy(rows, ({ timestamp }) => String(timestamp).slice(0, 10))) {
        const { name, length } = fileOf(day)
        const text = `${length === 0 ? headerText : ''}${rowsText(ofDay)}`
        written[day] = { name, length: appendWhole(directory, name, length, Buffer.from(text), files) }
      }
      book.remember(place, written)
    } catch (error) {
      isCut = false // another day's file may hold rows already
      throw error
    }
  }

  return {
    directory,
    place: () => book.place,
    append(records) {
      const fresh = records.filter(({ place }) => place > book.place)
      const last = fresh.at(-1)
      if (last === undefined) return 0
      write(
        fresh.map(({ record }) => callRow(record.telemetry)),
        last.place,
      )
      return fresh.length
    },
    appendEvent(event) {
      write([connectionRow(event)], book.place)
    },
    async purge(purge) {
      try {
        if (existsSync(directory)) cutTails()
        return { ...(await purgeFiles(directory, book, purge, files)) }
      } catch (error) {
        isCut = false // a file may have been exchanged already
        throw error
      }
    },
  }
}

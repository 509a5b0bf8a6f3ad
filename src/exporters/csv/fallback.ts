import { mkdirSync } from 'node:fs'
import type { Fallback } from '../../delivery/fallback.ts'
import { callRow, connectionRow, type Row } from './columns.ts'
import { appendWhole, cutBack, type FileCalls, makeFile, realFiles, sizeOf } from './day-file.ts'
import { headerText, rowsText } from './text.ts'

/** A text that outlives the process. */
export interface KeptText {
  read(): string | null
  /** Safe against a loss of power when it returns. */
  write(text: string): void
}

export interface CsvFallbackOptions {
  directory: string
  /** Of this data directory alone. */
  kept: KeptText
  files?: FileCalls
}

/** How far the files reach. */
interface Reach {
  /** Records up to this place in the outbox are in the files. */
  place: number
  /** By day, the file that is written and its valid length: behind it stands what a crash left. */
  files: Readonly<Record<string, DayFile>>
}

interface DayFile {
  name: string
  length: number
}

/**
 * The files `telemetry_YYYY-MM-DD.csv` (the UTC day of the record) for people to read while the database is away. A crash
 * leaves no half row and no row twice: rows go to the disk before their place and the file's new length are remembered, and
 * what stands behind the remembered length is cut off. Files that others made or changed are left as they are.
 */
export function openCsvFallback({ directory, kept, files = realFiles }: CsvFallbackOptions): Fallback {
  let reach = reachFrom(kept.read())
  let isCut = false

  const remember = (next: Reach) => {
    kept.write(JSON.stringify(next))
    reach = next
  }

  /** Not before the first row is written: a directory that cannot be had must not stop the start. */
  const cutTails = () => {
    if (isCut) return
    for (const { name, length } of Object.values(reach.files)) {
      const size = sizeOf(directory, name)
      if (size !== null && size > length) cutBack(directory, name, length, files)
    }
    isCut = true
  }

  /** The file of that day, made when there is none, or when it is no longer as we left it. */
  const fileOf = (day: string): DayFile => {
    const known = reach.files[day]
    if (known !== undefined && sizeOf(directory, known.name) === known.length) return known
    const made = { name: makeFile(directory, day, files), length: 0 }
    remember({ place: reach.place, files: { ...reach.files, [day]: made } })
    return made
  }

  /** All the rows, or none: the lengths are remembered together with the place. */
  const write = (rows: readonly Row[], place: number) => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    cutTails()
    const written: Record<string, DayFile> = {}
    try {
      for (const [day, ofDay] of Map.groupBy(rows, ({ timestamp }) => String(timestamp).slice(0, 10))) {
        const { name, length } = fileOf(day)
        const text = `${length === 0 ? headerText : ''}${rowsText(ofDay)}`
        written[day] = { name, length: appendWhole(directory, name, length, Buffer.from(text), files) }
      }
      remember({ place, files: { ...latest(reach.files), ...written } })
    } catch (error) {
      isCut = false // another day's file may hold rows already
      throw error
    }
  }

  return {
    directory,
    place: () => reach.place,
    append(records) {
      const fresh = records.filter(({ place }) => place > reach.place)
      const last = fresh.at(-1)
      if (last === undefined) return 0
      write(
        fresh.map(({ record }) => callRow(record.telemetry)),
        last.place,
      )
      return fresh.length
    },
    appendEvent(event) {
      write([connectionRow(event)], reach.place)
    },
  }
}

const reachFrom = (text: string | null): Reach =>
  text === null ? { place: 0, files: {} } : (JSON.parse(text) as Reach)

/** Of the days, the latest few: what was written to the others is whole. */
const latest = (files: Reach['files']): Reach['files'] =>
  Object.fromEntries(
    Object.entries(files)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .slice(-keptDays),
  )

const keptDays = 7

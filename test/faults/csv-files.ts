import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'

const rowsIn = (directory: string): Record<string, string>[] =>
  existsSync(directory)
    ? readdirSync(directory).flatMap((name): Record<string, string>[] =>
        parse(readFileSync(join(directory, name)), { columns: true, record_delimiter: '\r\n' }),
      )
    : []

const isEvent = ({ event_type }: Record<string, string>): boolean => event_type!.startsWith('connection_')

/** Ids of the calls in the files of the fallback, which must hold whole rows alone. */
export const callsInFiles = (directory: string): string[] =>
  rowsIn(directory)
    .filter((row) => !isEvent(row))
    .map((row) => row.request_id!)

export const eventsInFiles = (directory: string): string[] =>
  rowsIn(directory)
    .filter(isEvent)
    .map((row) => row.event_type!)

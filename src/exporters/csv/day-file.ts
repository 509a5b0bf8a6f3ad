import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** The file calls, so that a test can let a disk fail. */
export interface FileCalls {
  open(path: string, flags: number, mode: number): number
  write(file: number, bytes: Uint8Array, offset: number, length: number, position: number): number
  truncate(file: number, length: number): void
  sync(file: number): void
}

export const realFiles: FileCalls = { open: openSync, write: writeSync, truncate: ftruncateSync, sync: fsyncSync }

/** Makes the first file of that day whose name is free; for `telemetry_2026-11-21.csv`, `telemetry_2026-11-21.2.csv` and so on. */
export function makeFile(directory: string, day: string, files: FileCalls): string {
  for (let number = 1; ; number++) {
    const name = `telemetry_${day}${number === 1 ? '' : `.${number}`}.csv`
    try {
      closeSync(files.open(join(directory, name), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600))
      return name
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

/** Bytes in the file; null: there is none. */
export function sizeOf(directory: string, name: string): number | null {
  return statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? null
}

/** Cuts off what stands behind the valid length. */
export function cutBack(directory: string, name: string, length: number, files: FileCalls): void {
  const file = files.open(join(directory, name), constants.O_WRONLY | constants.O_NOFOLLOW, 0o600)
  try {
    files.truncate(file, length)
    files.sync(file)
  } finally {
    closeSync(file)
  }
}

/** Writes everything behind the valid length, or leaves the file as it was. Returns the new length, when it is on the disk. */
export function appendWhole(
  directory: string,
  name: string,
  length: number,
  bytes: Uint8Array,
  files: FileCalls,
): number {
  const file = files.open(join(directory, name), constants.O_WRONLY | constants.O_NOFOLLOW, 0o600)
  try {
    const { size } = fstatSync(file)
    if (size !== length) throw new ChangedFile(`${name} has ${size} bytes in place of ${length}`)
    const written = files.write(file, bytes, 0, bytes.length, length)
    if (written !== bytes.length) throw new Error(`${name}: ${written} of ${bytes.length} bytes were written`)
    files.sync(file)
    return length + bytes.length
  } catch (error) {
    if (!(error instanceof ChangedFile)) files.truncate(file, length)
    throw error
  } finally {
    closeSync(file)
  }
}

/** Somebody else wrote to the file. */
export class ChangedFile extends Error {
  override name = 'ChangedFile'
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code

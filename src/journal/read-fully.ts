import { readSync } from 'node:fs'

/** Reads until `bytes` are there or the file ends; says how many there were. */
export function readFully(fd: number, buffer: Buffer, bytes: number, position: number): number {
  let got = 0
  while (got < bytes) {
    const count = readSync(fd, buffer, got, bytes - got, position + got)
    if (count === 0) break
    got += count
  }
  return got
}

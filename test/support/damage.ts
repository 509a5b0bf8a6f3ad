import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'

const pageBytes = 4096

/** Overwrites every page of a database's file but the first with bytes that make no sense. */
export function damagePages(path: string): void {
  overwrite(path, pageBytes, statSync(path).size - pageBytes)
}

/** Overwrites those pages of a database's file in which this text stands. Returns how many. */
export function damagePagesWith(path: string, text: string): number {
  const bytes = readFileSync(path)
  const pages = new Set<number>()
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) pages.add(Math.floor(at / pageBytes))
  for (const page of pages) overwrite(path, page * pageBytes, pageBytes)
  return pages.size
}

/** In the file as it is: whoever has it open sees it. */
function overwrite(path: string, from: number, bytes: number): void {
  const file = openSync(path, 'r+')
  try {
    writeSync(file, Buffer.alloc(bytes, 0xa5), 0, bytes, from)
  } finally {
    closeSync(file)
  }
}

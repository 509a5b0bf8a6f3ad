import type { DatabaseSync } from 'node:sqlite'

/** A named text in the database. */
export interface KeptText {
  read(): string | null
  /** Safe against a loss of power when it returns. */
  write(text: string): void
}

export function keptText(database: DatabaseSync, name: string): KeptText {
  const find = database.prepare('SELECT value FROM meta WHERE name = ?')
  const replace = database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
  return {
    read() {
      const value = find.get(name)?.value
      return typeof value === 'string' ? value : null
    },
    write(text) {
      database.exec('PRAGMA synchronous = FULL')
      try {
        replace.run(name, text)
      } finally {
        database.exec('PRAGMA synchronous = NORMAL')
      }
    },
  }
}

import type { Document } from './driver.ts'

/** A database as a set of commands: what set-up needs, and what a test can pretend. */
export interface Commands {
  run(command: Document): Promise<Document>
}

/** All documents of a command that answers with a cursor; there are fewer of them than fit into one answer. */
export async function firstBatch(server: Commands, command: Document): Promise<readonly Document[]> {
  const answer = await server.run(command)
  const documents: unknown = answer.cursor?.firstBatch
  return Array.isArray(documents) ? documents : []
}

/** The server's code of an error, or null when it is none of a server's answers (the connection broke). */
export function codeOf(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null
}

/** The server knows the question and says no; asking again will not help. */
export const isRefused = (error: unknown): error is Error => refusals.has(codeOf(error) ?? 0)

const refusals = new Set([
  1, // InternalError: FerretDB's word for an index whose making a crash broke off, for ever
  2, // BadValue
  9, // FailedToParse
  13, // Unauthorized
  59, // CommandNotFound
  67, // CannotCreateIndex
  72, // InvalidOptions
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
  115, // CommandNotSupported
  197, // InvalidIndexSpecificationOption
  238, // NotImplemented
  303, // a feature that is no longer, or not, supported
  8000, // Atlas: not allowed
  40415, // unknown field
])

export const namespaceNotFound = 26
export const namespaceExists = 48

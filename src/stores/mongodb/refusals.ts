import type { WriteError } from 'mongodb'
import type { RefusedId } from '../../delivery/sink.ts'
import type { Document, Driver } from './driver.ts'

/** What an unordered insert left undone: documents that no repetition will store, and ids that are there already. */
export interface Leftovers {
  refused: readonly RefusedId[]
  duplicates: readonly string[]
}

const duplicateKey = 11000

/** Reasons that lie in the document: the same one would be refused again. */
const documentCodes = new Set([
  2, // BadValue
  9, // FailedToParse
  14, // TypeMismatch
  15, // Overflow: nested too deep
  22, // InvalidBSON
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  121, // DocumentValidationFailure
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
  17419, // the document would be too large
  17420,
])

/** Reasons that lie in the server and pass, though some documents of the batch were stored before it. */
const passingCodes = new Set([
  6, 7, 8, 13, 18, 24, 50, 63, 64, 89, 91, 96, 112, 133, 134, 146, 150, 189, 234, 262, 462, 9001, 10107, 11600, 11602,
  13388, 13435, 13436, 14031, 16500,
])

/**
 * Sorts an error of `insertMany` into what is lost on these documents alone; throws whatever is to be tried again. A reason we
 * do not know lies in the document when others of the same batch were stored.
 */
export function leftoversOf(driver: Driver, error: unknown, documents: readonly Document[]): Leftovers {
  if (!(error instanceof driver.MongoBulkWriteError)) throw error
  const unsafe = error.result?.getWriteConcernError()
  if (unsafe) throw new Error(`not yet safe on most members: ${unsafe.errmsg}`, { cause: error })
  const failures = writeErrors(error)
  if (failures.length === 0) throw error // the connection broke
  const refused: RefusedId[] = []
  const duplicates: string[] = []
  const someStored = failures.some(({ code }) => code === duplicateKey) || failures.length < documents.length
  for (const { index, code, errmsg } of failures) {
    const id = String(documents[index]?._id)
    if (code === duplicateKey) duplicates.push(id)
    else if (documentCodes.has(code) || (someStored && !passingCodes.has(code)))
      refused.push({ id, code: String(code), message: errmsg ?? 'refused' })
    else throw error
  }
  return { refused, duplicates }
}

const writeErrors = ({ writeErrors }: { writeErrors: WriteError | readonly WriteError[] }): readonly WriteError[] =>
  'length' in writeErrors ? writeErrors : [writeErrors]

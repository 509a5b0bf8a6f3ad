import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import type { Progress } from '../../src/formats/decoder.ts'
import type { FinishReason, Operation, Outcome } from '../../src/records/outcome.ts'
import type { TokenSource, Usage } from '../../src/records/usage.ts'

/** One exchange as it stood on the wire, from `providers/<provider>/samples` (the README there describes the files). */
export interface Sample {
  /** `<provider>/<path below samples, without .json>`. */
  name: string
  provider: string
  /** A real server answered, and counted; else the sample was written by hand. */
  recorded: boolean
  note: string | null
  request: { method: string; path: string; headers: readonly HeaderPair[]; body: Buffer }
  response: {
    status: number
    reason: string
    headers: readonly HeaderPair[]
    framing: 'chunked' | 'length' | 'close'
    /** Milliseconds since the request was sent, and the bytes: a chunk, or the whole body. */
    pieces: readonly (readonly [ms: number, bytes: Buffer])[]
    trailers: readonly HeaderPair[]
    /** The connection is broken off after the last piece, without the framing's own end. */
    cut: boolean
  }
  /** What a record of it must say; null: nothing is written down for it. */
  expect: Expectation | null
}

export type HeaderPair = readonly [name: string, value: string]

/** Read off the bytes, by hand or by the server's own counts. For model calls an absent field means: it was not there. */
export interface Expectation {
  operation: Operation
  /** The model that answered, by its own word. */
  model?: string | null
  /** Of the first choice; `choices` says all of them where there are several. */
  text?: string
  reasoning?: string
  refusal?: string
  toolCalls?: readonly { name: string; arguments: string }[]
  choices?: readonly { index: number; text: string; finishReason: FinishReason | null }[]
  finishReason?: FinishReason | null
  /** Fields that are not listed are null. */
  usage?: Partial<Usage> | null
  tokenSource?: TokenSource
  /** Index of the piece that completes the first generated content; null: the answer has no time to first token. */
  ttftPiece?: number | null
  outcome?: Outcome
  /** Text of the error, null when there is none. */
  error?: string | null
  embeddings?: number | null
  /** Why the answer is not what its path and its request promise; null: it is. */
  parseNote?: string | null
  /** What the first choice holds besides text, as placeholders. */
  parts?: readonly string[]
  /** How far a transfer came. */
  progress?: Progress | null
  /** Dollars by the list, as decimal text; for models whose prices do not change by date. */
  cost?: string
}

const providers = join(import.meta.dirname, '..', '..', 'providers')

/** Every sample of one provider, or of all of them, in the order of their names. */
export function loadSamples(provider?: string): Sample[] {
  const folders = provider === undefined ? readdirSync(providers).sort() : [provider]
  return folders.flatMap((folder) => samplesBelow(folder, join(providers, folder, 'samples')))
}

/** The sample of that name (`ollama/chat-stream`). */
export function loadSample(name: string): Sample {
  const found = loadSamples(name.slice(0, name.indexOf('/'))).find((sample) => sample.name === name)
  if (!found) throw new Error(`${name}: no such sample`)
  return found
}

function samplesBelow(provider: string, root: string): Sample[] {
  return files(root).map((file) => {
    const written: Written = JSON.parse(readFileSync(file, 'utf8'))
    const name = relative(root, file).slice(0, -'.json'.length).split(sep).join('/')
    return {
      name: `${provider}/${name}`,
      provider,
      recorded: !written.server.startsWith('written'),
      note: written.note ?? null,
      request: { ...written.request, body: bytes(written.request.body) },
      response: {
        status: written.response.status,
        reason: written.response.reason,
        headers: written.response.headers,
        framing: written.response.framing,
        pieces: written.response.pieces.map(([ms, text]) => [ms, bytes(text)] as const),
        trailers: written.response.trailers,
        cut: written.response.cut === true,
      },
      expect: written.expect ?? expectations(join(file, '..'))[basename(file)] ?? null,
    }
  })
}

function files(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return files(path)
      return entry.name.endsWith('.json') && entry.name !== expectedFile ? [path] : []
    })
}

const expectedFile = 'expected.json'
const read = new Map<string, Record<string, Expectation>>()

/** Recordings stay as they were recorded: what is expected of them stands in a file beside them. */
function expectations(folder: string): Record<string, Expectation> {
  const known = read.get(folder)
  if (known) return known
  const written: Record<string, Expectation> = readdirSync(folder).includes(expectedFile)
    ? JSON.parse(readFileSync(join(folder, expectedFile), 'utf8'))
    : {}
  read.set(folder, written)
  return written
}

const bytes = (written: WrittenText): Buffer =>
  written === null
    ? Buffer.alloc(0)
    : typeof written === 'string'
      ? Buffer.from(written)
      : Buffer.from(written.base64, 'base64')

type WrittenText = string | null | { base64: string }

interface Written {
  server: string
  note?: string
  request: Omit<Sample['request'], 'body'> & { body: WrittenText }
  response: Omit<Sample['response'], 'pieces' | 'cut'> & { pieces: [number, WrittenText][]; cut?: boolean }
  expect?: Expectation
}

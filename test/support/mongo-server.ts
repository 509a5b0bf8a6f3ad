import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { MongoClient } from 'mongodb'
import { afterAll, describe, expect, it } from 'vitest'
import { ferretdbProgram } from './ferretdb.ts'
import { freePort } from './free-port.ts'
import { eventually, within } from './within.ts'

/** A database server that speaks MongoDB's protocol, for one test file. */
export interface MongoServer extends AsyncDisposable {
  readonly kind: 'given' | 'mongod' | 'ferretdb'
  readonly uri: string
  /** Names of databases that no other test uses; they are dropped at the end. */
  database(): string
  /** A server that was given by TEST_MONGO_URI can be neither killed nor started again. */
  readonly restartable: boolean
  /** Ends it as a power cut of the process would (SIGKILL). */
  kill(): Promise<void>
  /** Starts it again on the same port with the same data. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Runs the suite against the first of: TEST_MONGO_URI, `mongod` on the PATH, FerretDB built by `go`. With none of them the
 * suite is skipped with one line, and fails where CI=true.
 */
export async function suiteWithMongo(name: string, suite: (server: MongoServer) => void): Promise<void> {
  const server = await mongoServer().catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  if (!(server instanceof Error)) {
    describe(`${name} (${server.kind})`, () => {
      afterAll(() => server.stop())
      suite(server)
    })
  } else if (process.env.CI === 'true') {
    it(`${name} has a server to test with`, () => expect.unreachable(`${nothingFound}: ${reason(server)}`))
  } else it.skip(`${name}: ${nothingFound} (${reason(server)})`)
}

const nothingFound = 'no TEST_MONGO_URI, no mongod on the PATH, no FerretDB that go could build'
const reason = ({ message }: Error): string => message.split('\n', 1)[0] ?? ''

export async function mongoServer(): Promise<MongoServer> {
  const given = process.env.TEST_MONGO_URI
  if (given) return servedBy('given', given, null)
  const mongod = onPath('mongod')
  const program = mongod ?? (await ferretdbProgram())
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-mongo-'))
  const words = mongod
    ? [program, '--bind_ip', '127.0.0.1', '--port', `${port}`, '--dbpath', directory, '--quiet']
    : [program, `127.0.0.1:${port}`, directory]
  const server = servedBy(mongod ? 'mongod' : 'ferretdb', `mongodb://127.0.0.1:${port}/`, { words, directory })
  await server.start()
  return server
}

function servedBy(
  kind: MongoServer['kind'],
  uri: string,
  own: { words: readonly string[]; directory: string } | null,
): MongoServer {
  let child: ChildProcess | null = null
  const names: string[] = []
  const end = async (name: NodeJS.Signals) => {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = once(ending, 'exit')
    ending.kill(name)
    await within(20_000, `the database server to end after ${name}`, exited)
  }
  const stop = async () => {
    if (own === null) await dropAll(uri, names)
    await end('SIGKILL')
    if (own !== null) rmSync(own.directory, { recursive: true, force: true })
  }
  return {
    kind,
    uri,
    restartable: own !== null,
    database() {
      const name = `sightglass_test_${process.pid}_${names.length}`
      names.push(name)
      return name
    },
    kill: () => end('SIGKILL'),
    async start() {
      if (own === null) return
      const [program, ...words] = own.words
      child = spawn(program!, words, { stdio: ['pipe', 'ignore', 'ignore'] })
      child.on('error', () => {}) // told by the wait below
      await eventually('the database server to answer', () => answers(uri), 20_000, 50)
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function answers(uri: string): Promise<boolean> {
  await using client = new MongoClient(uri, { serverSelectionTimeoutMS: 1000, connectTimeoutMS: 1000 })
  await client.db('admin').command({ ping: 1 })
  return true
}

async function dropAll(uri: string, names: readonly string[]): Promise<void> {
  await using client = new MongoClient(uri)
  for (const name of names) await client.db(name).dropDatabase()
}

function onPath(program: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      const path = join(directory, program)
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // not in this directory
    }
  }
  return null
}

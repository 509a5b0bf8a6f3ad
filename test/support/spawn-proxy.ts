import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { signal, within } from './within.ts'

const root = join(import.meta.dirname, '..', '..')

/**
 * Runs the product as a process of its own, as people start it, for tests of signals and of death. Settings come as
 * environment variables; nothing of the test's own environment but PATH is passed on.
 */
export async function spawnProxy(options: SpawnOptions = {}): Promise<SpawnedProxy> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'sightglass-test-')))
  const upstreams = Object.entries(options.upstreams ?? {}).map(([id, port]) => [
    `UPSTREAM_${id.toUpperCase().replaceAll('-', '_')}`,
    `http://127.0.0.1:${port}`,
  ])
  const adminToken = 'test-admin-token'
  const [program, ...words] = options.npm
    ? ['npm', 'start', '--silent', '--']
    : [
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        options.entry ?? join('src', 'cli', 'main.ts'),
        'start',
      ]
  const child = spawn(program!, [...words, ...(options.args ?? [])], {
    cwd: options.cwd ?? root,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.user !== undefined && { uid: options.user, gid: options.user }),
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataDir,
      ADMIN_TOKEN: adminToken,
      DRAIN_DELAY: '0',
      ...Object.fromEntries(upstreams),
      ...options.env,
    },
  })
  const printed: string[] = []
  const ready = signal<number>()
  const read = (bytes: Buffer) => {
    printed.push(bytes.toString('utf8'))
    const port = /(?:listens on |"url":")http:\/\/127\.0\.0\.1:(\d+)/.exec(printed.join(''))?.[1]
    if (port !== undefined) ready.give(Number(port))
  }
  child.stdout.on('data', read)
  child.stderr.on('data', read)
  const exited = once(child, 'close').then(([code, name]): Exit => ({ code, signal: name }))
  const remove = async () => {
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
  }
  const stop = async (name: NodeJS.Signals = 'SIGTERM') => {
    child.kill(name)
    const exit = await within(options.stopMs ?? 15_000, `the proxy to end after ${name}`, exited)
    await remove()
    return exit
  }
  const died = exited.then((exit): never => {
    throw new Error(`the proxy ended (${exit.code ?? exit.signal}) before it was ready:\n${printed.join('')}`)
  })
  died.catch(() => {})
  const port = await within(
    options.startMs ?? 15_000,
    'the proxy to be ready',
    Promise.race([ready.promise, died]),
  ).catch(async (error: unknown) => {
    child.kill('SIGKILL')
    await exited
    await remove()
    throw error
  })
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    dataDir,
    adminToken,
    output: () => printed.join(''),
    exited,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop(options.npm ? 'SIGTERM' : 'SIGKILL')),
  }
}

export interface SpawnOptions {
  /** By id: ports on this machine. */
  upstreams?: Readonly<Record<string, number>>
  env?: Readonly<Record<string, string>>
  args?: readonly string[]
  /** Started with `npm start`, as the README says, which is then to be stopped by SIGTERM. */
  npm?: boolean
  /** The program's file in place of the sources'. */
  entry?: string
  /** Kept after the end when given. */
  dataDir?: string
  cwd?: string
  /** Runs as the user and the group of this number. */
  user?: number
  startMs?: number
  stopMs?: number
}

export interface SpawnedProxy extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly pid: number
  readonly dataDir: string
  readonly adminToken: string
  /** Everything printed so far, both streams. */
  output(): string
  readonly exited: Promise<Exit>
  /** Sends the signal (SIGTERM by default) and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'

/** The core that a subject has for itself, and the one on which load generator and upstream run. */
export const cores = { subject: 0, load: 1 } as const

/** Why figures from here would mean nothing; null when the machine can be measured on. */
export function whyNot(): string | null {
  if (process.platform !== 'linux') return 'processes are pinned and accounted for by means of Linux'
  if (availableParallelism() < 2) return 'two cores are needed: one for the subject, one for the load'
  if (!has('taskset')) return 'taskset (util-linux) is missing'
  if (!has('nginx')) return 'nginx is missing, which answers (Debian: nginx-light)'
  return null
}

export function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface Machine {
  cores: number
  processor: string
  memoryGib: number
  kernel: string
  node: string
}

export const machine = (): Machine => ({
  cores: availableParallelism(),
  processor: cpus()[0]?.model ?? 'unknown',
  memoryGib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
})

export interface PinnedOptions {
  core: number
  env?: Readonly<Record<string, string>>
  cwd?: string
  ipc?: boolean
}

/** Starts a program on one core. What it prints is kept for the case that it ends by itself. */
export function pinned(program: string, words: readonly string[], { core, env, cwd, ipc }: PinnedOptions): Pinned {
  const child = spawn('taskset', ['-c', `${core}`, program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    ...(cwd !== undefined && { cwd }),
  })
  const printed: string[] = []
  const keep = (bytes: Buffer): void => {
    printed.push(bytes.toString('utf8'))
    if (printed.length > 200) printed.shift()
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  const ended = once(child, 'close')
  ended.catch(() => {}) // told by whoever waits for it
  return {
    child,
    pid: child.pid!,
    output: () => printed.join(''),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(late)
    },
  }
}

export interface Pinned {
  readonly child: ChildProcess
  readonly pid: number
  output(): string
  stop(): Promise<void>
}

/** Processor time of each thread since its start, in microseconds, by thread id. */
export function threadTimes(pids: readonly number[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>()
  for (const pid of pids) {
    for (const thread of threadsOf(pid)) {
      const nanoseconds = read(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0]
      if (nanoseconds !== undefined) times.set(thread, Number(nanoseconds) / 1000)
    }
  }
  return times
}

/** A process and all that it started. */
export function familyOf(pid: number): number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(familyOf)]
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

/** Resident memory in MiB, of several processes together. */
export const residentMib = (pids: readonly number[]): number =>
  pids.reduce(
    (sum, pid) => sum + Number(/VmRSS:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0) / 1024,
    0,
  )

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

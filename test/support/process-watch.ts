import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Linux tells what a process takes of memory and files; elsewhere tests of it are skipped. */
export const canWatch = process.platform === 'linux'

/** Resident memory of a process, in MiB. */
export function residentMib(pid: number): number {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (kib === undefined) throw new Error(`no VmRSS of process ${pid}`)
  return Number(kib) / 1024
}

/** What a process has open: where each descriptor leads, `socket:[…]` and `anon_inode:…` included. */
export const openFiles = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)]
    } catch {
      return [] // closed meanwhile
    }
  })

export interface Sample {
  atMs: number
  residentMib: number
}

export interface Watch {
  readonly samples: readonly Sample[]
  readonly peakMib: number
  stop(): void
}

/** Looks at a process's memory again and again. One that died is looked at no more. */
export function watchMemory(pid: number, everyMs = 50): Watch {
  const samples: Sample[] = []
  const timer = setInterval(() => {
    try {
      samples.push({ atMs: performance.now(), residentMib: residentMib(pid) })
    } catch {
      clearInterval(timer)
    }
  }, everyMs)
  return {
    samples,
    get peakMib() {
      return Math.max(...samples.map(({ residentMib }) => residentMib))
    },
    stop: () => clearInterval(timer),
  }
}

/**
 * How much memory grows in a minute: a straight line through the least of each of the equal parts of the time, for a heap goes up
 * and down between them.
 */
export function slopeMibPerMinute(samples: readonly Sample[], parts = 10): number {
  const from = samples[0]!.atMs
  const length = (samples.at(-1)!.atMs - from) / parts
  const least = Array.from({ length: parts }, (_, part) =>
    samples.filter(({ atMs }) => atMs >= from + part * length && atMs <= from + (part + 1) * length),
  )
    .filter((some) => some.length > 0)
    .map((some) => some.reduce((one, other) => (other.residentMib < one.residentMib ? other : one)))
  const meanMs = mean(least.map(({ atMs }) => atMs))
  const meanMib = mean(least.map(({ residentMib }) => residentMib))
  const product = least.reduce((sum, one) => sum + (one.atMs - meanMs) * (one.residentMib - meanMib), 0)
  const square = least.reduce((sum, one) => sum + (one.atMs - meanMs) ** 2, 0)
  return (product / square) * 60_000
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** The value that this share of all is not above. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const found = sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]
  if (found === undefined) throw new Error('no values')
  return found
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

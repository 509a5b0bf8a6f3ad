import { setTimeout as delay } from 'node:timers/promises'
import type { Generator } from './client/generator.ts'
import type { JobResult, Spread } from './client/job.ts'
import type { Load, LoadJob } from './loads/load.ts'
import { familyOf, residentMib, threadTimes } from './machine.ts'
import type { Running, Subject } from './subjects/subject.ts'
import type { Upstreams } from './upstreams/index.ts'

/** What one subject did under one load: medians over the rounds, with their spread. */
export interface Measured {
  subject: string
  load: string
  rounds: number
  calls: number
  failed: number
  firstFailure: string | null
  callsPerSecond: number
  callsPerSecondLow: number
  callsPerSecondHigh: number
  /** Of the thread that serves, and of all threads with all processes, in microseconds. Null for the direct way. */
  servingCpuUs: number | null
  allCpuUs: number | null
  latencyMs: Spread | null
  ttftMs: Spread | null
  lagMs: Spread | null
  chunksPerSecond: number
  idleMib: number | null
  peakMib: number | null
  /** Calls recorded within half a minute after the load, and how long that took; null where nothing is recorded. */
  recorded: { accepted: number; stored: number; seconds: number } | null
}

interface Round {
  result: JobResult
  servingCpuUs: number | null
  allCpuUs: number | null
  recorded: Measured['recorded']
}

/** One subject, started for one load. */
interface Contestant {
  subject: Subject
  running: Running
  idleMib: number | null
  peakMib: number | null
  rounds: Round[]
}

/** Starts all subjects, warms each up, and lets them take turns, so that whatever else the machine does meets all of them. */
export async function measure(
  load: Load,
  subjects: readonly Subject[],
  upstreams: Upstreams,
  generator: Generator,
  rounds: number,
  tell: (line: string) => void,
): Promise<Measured[]> {
  const contestants: Contestant[] = []
  try {
    for (const subject of subjects) {
      const running = await subject.start(load.target(upstreams))
      contestants.push({ subject, running, idleMib: null, peakMib: null, rounds: [] })
    }
    await delay(1_000)
    for (const one of contestants) if (one.running.pid !== null) one.idleMib = residentMib(familyOf(one.running.pid))
    if (!load.once) for (const one of contestants) await warmUp(load, one, generator)
    for (const one of contestants) one.rounds = []
    for (let turn = 0; turn < (load.once ? 1 : rounds); turn++) {
      for (const one of contestants) {
        if (turn > 0 && failsAll(one)) continue
        tell(`${load.name}: ${one.subject.name}, round ${turn + 1}`)
        await round(load.job, one, generator, load.seconds)
      }
    }
    return contestants.map((one) => summary(load, one))
  } finally {
    for (const { running } of contestants) await running.stop()
  }
}

/** One round is enough to show it. */
const failsAll = ({ rounds }: Contestant): boolean => rounds.every(({ result }) => result.failed === result.calls)

/** The compiler works on the first fifty thousand calls or so. */
const warmSeconds = 4

async function warmUp(load: Load, one: Contestant, generator: Generator): Promise<void> {
  for (const job of [load.warmUp ?? load.job, load.job]) await round(job, one, generator, warmSeconds / 2)
}

/** Ends when everything is recorded, so that whoever comes next has the core to itself. */
async function round(job: LoadJob, one: Contestant, generator: Generator, seconds: number): Promise<void> {
  const { running } = one
  const pids = running.pid === null ? [] : familyOf(running.pid)
  const watch = setInterval(() => {
    one.peakMib = Math.max(one.peakMib ?? 0, residentMib(pids))
  }, 100)
  const before = threadTimes(pids)
  const result = await generator.run({
    ...job,
    host: '127.0.0.1',
    port: running.port,
    seconds,
    path: (running.prefix ?? '') + job.path,
    headers: {
      'content-type': 'application/json',
      authorization: 'Bearer sk-bench-0123456789abcdefghij',
      'user-agent': 'bench/1',
      accept: 'application/json',
      ...job.headers,
      ...running.headers,
    },
  })
  const after = threadTimes(pids)
  clearInterval(watch)
  const spent = [...after].map(([thread, us]) => [thread, us - (before.get(thread) ?? 0)] as const)
  const each = (us: number): number => us / Math.max(1, result.calls)
  const all = spent.reduce((sum, [, us]) => sum + us, 0)
  // the thread that serves: the first of a process, of several processes the busiest
  const serving = Math.max(0, ...spent.filter(([thread]) => pids.includes(thread)).map(([, us]) => us))
  one.rounds.push({
    result,
    servingCpuUs: running.pid === null ? null : each(serving),
    allCpuUs: running.pid === null ? null : each(all),
    recorded: await recorded(running),
  })
}

const recordedWithinMs = 30_000

async function recorded(running: Running): Promise<Measured['recorded']> {
  if (!running.records) return null
  const from = performance.now()
  for (;;) {
    const counts = await running.records()
    const seconds = (performance.now() - from) / 1000
    if (counts.stored >= counts.accepted || seconds * 1000 > recordedWithinMs) return { ...counts, seconds }
    await delay(100)
  }
}

/** All that was recorded, and the slowest of the rounds; one that was not recorded in time stands for all. */
function keptOf(rounds: readonly Round[]): Measured['recorded'] {
  const kept = rounds.map(({ recorded }) => recorded).filter((one) => one !== null)
  const shown = kept.find(({ accepted, stored }) => stored < accepted) ?? kept.at(-1)
  return shown ? { ...shown, seconds: Math.max(...kept.map(({ seconds }) => seconds)) } : null
}

function summary(load: Load, { subject, rounds, idleMib, peakMib }: Contestant): Measured {
  const results = rounds.map(({ result }) => result)
  const rates = results
    .map(({ calls, failed, seconds }) => (calls - failed) / seconds)
    .sort((one, other) => one - other)
  const sum = (pick: (result: JobResult) => number): number => results.reduce((total, one) => total + pick(one), 0)
  return {
    subject: subject.name,
    load: load.name,
    rounds: rounds.length,
    calls: sum(({ calls }) => calls),
    failed: sum(({ failed }) => failed),
    firstFailure: results.find(({ firstFailure }) => firstFailure !== null)?.firstFailure ?? null,
    callsPerSecond: median(rates),
    callsPerSecondLow: rates[0] ?? 0,
    callsPerSecondHigh: rates.at(-1) ?? 0,
    servingCpuUs: medianOrNull(rounds.map((one) => one.servingCpuUs)),
    allCpuUs: medianOrNull(rounds.map((one) => one.allCpuUs)),
    latencyMs: medianSpread(results.map(({ latencyMs }) => latencyMs)),
    ttftMs: medianSpread(results.map(({ ttftMs }) => ttftMs)),
    lagMs: medianSpread(results.map(({ lagMs }) => lagMs)),
    chunksPerSecond:
      sum(({ chunks }) => chunks) /
      Math.max(
        0.001,
        sum(({ seconds }) => seconds),
      ),
    idleMib,
    peakMib,
    recorded: keptOf(rounds),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? 0
}

function medianOrNull(values: readonly (number | null)[]): number | null {
  const found = values.filter((value) => value !== null)
  return found.length === 0 ? null : median(found)
}

function medianSpread(spreads: readonly (Spread | null)[]): Spread | null {
  const found = spreads.filter((spread) => spread !== null)
  if (found.length === 0) return null
  const of = (name: keyof Spread): number => median(found.map((spread) => spread[name]))
  return { p50: of('p50'), p90: of('p90'), p99: of('p99'), p999: of('p999'), max: of('max') }
}

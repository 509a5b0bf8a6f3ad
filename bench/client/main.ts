import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from './connection.ts'
import { type Job, type JobResult, Samples } from './job.ts'

/** A load generator: a process of its own that gets one job after the other from its parent and answers with what it saw. */
process.on('message', (job: Job) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

class Tally {
  calls = 0
  failed = 0
  firstFailure: string | null = null
  readonly latency = new Samples()
  readonly ttft = new Samples()
  readonly lag = new Samples()

  fail(why: string): void {
    this.failed++
    this.firstFailure ??= why
  }

  result(seconds: number): JobResult {
    const { calls, failed, firstFailure } = this
    return {
      calls,
      failed,
      firstFailure,
      seconds,
      latencyMs: this.latency.spread(),
      ttftMs: this.ttft.spread(),
      lagMs: this.lag.spread(),
      chunks: this.lag.size,
    }
  }
}

async function run(job: Job): Promise<JobResult> {
  const tally = new Tally()
  const from = performance.now()
  const untilMs = from + job.seconds * 1000
  if (job.kind === 'open') await openLoop(job, tally, from, untilMs)
  else
    await Promise.all(
      Array.from({ length: job.connections }, async (_, place) => {
        // streams begin spread over their first second, as they would in life
        if (job.kind === 'streams' || job.kind === 'idle') await delay((place / job.connections) * 1000)
        await client(job, tally, untilMs)
      }),
    )
  return tally.result((performance.now() - from) / 1000)
}

function requestOf(job: Job): Buffer[] {
  const body = Buffer.from(job.body.text.repeat(job.body.times))
  const fields = Object.entries({
    host: `${job.host}:${job.port}`,
    ...job.headers,
    ...(body.length > 0 && { 'content-length': `${body.length}` }),
  })
  const head = `${job.method} ${job.path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`
  return body.length > 64 * 1024 ? [Buffer.from(head), body] : [Buffer.concat([Buffer.from(head), body])]
}

async function client(job: Job, tally: Tally, untilMs: number): Promise<void> {
  const request = requestOf(job)
  let connection = new Connection(job.host, job.port)
  const once = job.kind === 'idle' || job.kind === 'slow'
  do {
    if (!(await oneCall(job, connection, request, tally, performance.now()))) {
      connection.close()
      if (tally.failed > 100) return
      connection = new Connection(job.host, job.port)
    }
  } while (performance.now() < untilMs && !once)
  connection.close()
}

/** Calls are due at fixed times; one that has to wait for a connection or an answer is late from when it was due. */
async function openLoop(job: Job, tally: Tally, from: number, untilMs: number): Promise<void> {
  const request = requestOf(job)
  const free = Array.from({ length: job.connections }, () => new Connection(job.host, job.port))
  const running = new Set<Promise<void>>()
  const gapMs = 1000 / (job.rate ?? 1000)
  for (let due = from; due < untilMs; ) {
    const now = performance.now()
    for (; due <= now && due < untilMs; due += gapMs) {
      const connection = free.pop() ?? new Connection(job.host, job.port)
      const call = oneCall(job, connection, request, tally, due).then((fine) => {
        if (fine) free.push(connection)
        else connection.close()
        running.delete(call)
      })
      running.add(call)
    }
    await delay(Math.max(0, Math.floor(due - performance.now())))
  }
  await Promise.all(running)
  for (const connection of free) connection.close()
}

async function oneCall(
  job: Job,
  connection: Connection,
  request: readonly Buffer[],
  tally: Tally,
  startMs: number,
): Promise<boolean> {
  const { sha1 } = job
  const hash = sha1 === null ? null : createHash('sha1')
  const streamed = job.kind === 'streams' || job.kind === 'idle'
  let begun = false
  let last = ''
  const pace = job.bytesPerSecond === undefined ? null : pacer(connection, job.bytesPerSecond)
  try {
    const status = await connection.call(request, (bytes) => {
      if (!begun) {
        begun = true
        if (job.kind !== 'slow') tally.ttft.add(performance.now() - startMs)
      }
      hash?.update(bytes)
      pace?.(bytes.length)
      if (streamed) last = readStamps(last + bytes.toString('latin1'), tally)
    })
    tally.calls++
    if (status !== 200) tally.fail(`status ${status}`)
    else if (hash && hash.digest('hex') !== sha1) tally.fail('the body differs from what the upstream sent')
    else {
      tally.latency.add(performance.now() - startMs)
      return true
    }
  } catch (error) {
    tally.calls++
    tally.fail(String(error))
  }
  return false
}

/** Chunks carry the time at which they were sent (`@nanoseconds;`); the rest after the last one is kept for the next bytes. */
function readStamps(text: string, tally: Tally): string {
  const now = Number(process.hrtime.bigint()) / 1e6
  let rest = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', rest)) {
    const end = text.indexOf(';', at)
    if (end < 0) return text.slice(at)
    tally.lag.add(now - Number(text.slice(at + 1, end)) / 1e6)
    rest = end + 1
  }
  return ''
}

/** Stops reading for as long as what came was too much for its rate. */
function pacer({ socket }: Connection, bytesPerSecond: number): (bytes: number) => void {
  const from = performance.now()
  let read = 0
  let paused = false
  return (bytes) => {
    read += bytes
    const aheadMs = (read / bytesPerSecond) * 1000 - (performance.now() - from)
    if (paused || aheadMs < 5) return
    paused = true
    socket.pause()
    setTimeout(() => {
      paused = false
      socket.resume()
    }, aheadMs)
  }
}

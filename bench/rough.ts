import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { spawnProxy } from '../test/support/spawn-proxy.ts'

/**
 * A first, rough measurement: small JSON calls directly and through the proxy with everything recorded, in alternating rounds.
 *
 *     node scripts/run.mjs bench/rough.ts [seconds of a round] [rounds]
 *
 * Load generator, upstream and proxy are three processes that share the machine's cores: trust ratios.
 */
const [seconds = 4, rounds = 5] = process.argv.slice(2).map(Number)

const answer = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'The sea is blue. '.repeat(20) }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 20, completion_tokens: 80, total_tokens: 100 },
})
const question = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Why is the sea blue? '.repeat(8) }],
})

if (process.argv.includes('--upstream')) {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
      response.end(answer)
    })
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port))
} else await measure()

interface Round {
  callsPerSecond: number
  p50Ms: number
  p99Ms: number
}

async function measure(): Promise<void> {
  const upstream = fork(import.meta.filename, ['--upstream'])
  const [port] = (await once(upstream, 'message')) as [number]
  const proxy = await spawnProxy({ upstreams: { openai: port } })
  const subjects = { direct: `http://127.0.0.1:${port}`, proxy: proxy.url }
  try {
    for (const connections of [1, 64]) {
      const results: Record<keyof typeof subjects, Round[]> = { direct: [], proxy: [] }
      for (const url of Object.values(subjects)) await load(url, connections, 1)
      const before = cpuMs(proxy.pid)
      for (let round = 0; round < rounds; round++)
        for (const name of ['direct', 'proxy'] as const)
          results[name].push(await load(subjects[name], connections, seconds))
      const calls = results.proxy.reduce((sum, { callsPerSecond }) => sum + callsPerSecond * seconds, 0)
      await stored(proxy.url, proxy.adminToken)
      console.log(
        `\n${connections} connection${connections > 1 ? 's' : ''}, median of ${rounds} rounds of ${seconds} s`,
      )
      for (const [name, all] of Object.entries(results))
        console.log(
          `  ${name.padEnd(7)} ${median(all, 'callsPerSecond').toFixed(0).padStart(7)} calls/s   p50 ${median(all, 'p50Ms').toFixed(3)} ms   p99 ${median(all, 'p99Ms').toFixed(3)} ms`,
        )
      console.log(
        `  CPU of the proxy, all threads, everything recorded: ${(((cpuMs(proxy.pid) - before) / calls) * 1000).toFixed(0)} µs a call`,
      )
    }
    console.log(
      `\nrecords: ${await stored(proxy.url, proxy.adminToken)}; memory: ${residentMib(proxy.pid).toFixed(0)} MiB`,
    )
  } finally {
    await proxy.stop()
    upstream.kill()
  }
}

async function load(url: string, connections: number, forSeconds: number): Promise<Round> {
  const pool = new Pool(url, { connections, allowH2: false })
  const took: number[] = []
  const until = performance.now() + forSeconds * 1000
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now()
      const { body, statusCode } = await pool.request({
        path: '/v1/chat/completions',
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer sk-bench-0123456789abcdefghij' },
        body: question,
      })
      const text = await body.text()
      if (statusCode !== 200 || text.length !== answer.length)
        throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 200)}`)
      took.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: connections }, client))
  await pool.close()
  took.sort((one, other) => one - other)
  return {
    callsPerSecond: took.length / forSeconds,
    p50Ms: took[Math.floor(took.length * 0.5)] ?? Number.NaN,
    p99Ms: took[Math.floor(took.length * 0.99)] ?? Number.NaN,
  }
}

function median(rounds: Round[], field: keyof Round): number {
  const values = rounds.map((round) => round[field]).sort((one, other) => one - other)
  return values[values.length >> 1] ?? Number.NaN
}

/** Waits until everything accepted is stored, and says how many that are. */
async function stored(url: string, token: string): Promise<number> {
  for (;;) {
    const response = await fetch(`${url}/health`, { headers: { authorization: `Bearer ${token}` } })
    const { records } = (await response.json()) as { records: { accepted: number; stored: number; pending: number } }
    if (records.pending === 0 && records.accepted === records.stored) return records.stored
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** User and system time of a process with all its threads (Linux). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function residentMib(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

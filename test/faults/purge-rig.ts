import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { MongoClient } from 'mongodb'
import { chunk, json } from '../support/answer.ts'
import { completion, question } from '../support/chat.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { type ScriptedUpstream, scriptedUpstream } from '../support/scripted-upstream.ts'
import { type SpawnedProxy, type SpawnOptions, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, signal } from '../support/within.ts'
import type { Counters } from './health.ts'

/** A proxy as a process of its own that can be killed and started again, and what it knows of its records. */
export interface PurgeRig extends AsyncDisposable {
  readonly dataDir: string
  proxy(): SpawnedProxy
  /** So many calls of that user in that project, each answered. */
  calls(user: string, project: string, count?: number): Promise<void>
  /** A call whose answer has begun; it ends when the function is called. */
  openCall(user: string, project: string): Promise<() => Promise<void>>
  health(): Promise<PurgeHealth>
  /** Resolves when everything accepted is stored here. */
  settled(): Promise<void>
  purge(wish: object): Promise<Purge>
  /** Resolves when the purge is as far as told. */
  purged(number: number, state?: 'done' | 'waiting', ms?: number): Promise<Purge>
  /** Ends it with SIGKILL and starts another one in the same data directory. */
  killed(): Promise<void>
}

export interface PurgeHealth {
  services: { mongodb?: { state: string } }
  records: Counters
  sinks: { mongodb?: Counters }
}

export interface Purge {
  number: number
  state: 'done' | 'waiting'
  parts: { name: string; state: 'done' | 'waiting'; message: string | null; counts: Record<string, number> }[]
}

export async function purgeRig(dataDir: string, env: SpawnOptions['env'] = {}): Promise<PurgeRig> {
  const ends: { until: Promise<void>; end: () => void }[] = []
  const upstream: ScriptedUpstream = await scriptedUpstream((request) => {
    if (!request.target.endsWith('/long')) return json(completion)
    const { promise, give } = signal()
    ends.push({ until: promise, end: give })
    return ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', chunk('begun'), { until: promise }, '0\r\n\r\n']
  })
  const spawned = () => spawnProxy({ dataDir, upstreams: { openai: upstream.port }, env: { ...env } })
  let proxy = await spawned()

  const call = (user: string, project: string, target: string) =>
    rawExchange(
      proxy.port,
      requestBytes('POST', target, headersOf(user, project), JSON.stringify({ ...question, user })),
      { deadlineMs: 60_000 },
    )
  const api = async <T>(path: string, body?: object): Promise<T> => {
    const answer = await fetch(proxy.url + path, {
      headers: { authorization: `Bearer ${proxy.adminToken}` },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    })
    if (!answer.ok && !path.startsWith('/health')) throw new Error(`${path}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const health = async (): Promise<PurgeHealth> => {
    const found = await api<PurgeHealth>('/health')
    for (const counts of [found.records, found.sinks.mongodb])
      if (counts && counts.accepted !== counts.stored + counts.pending + counts.quarantined + counts.dropped)
        throw new Error(`the counters do not add up: ${JSON.stringify(counts)}`)
    return found
  }
  const stop = async () => void (await proxy.stop('SIGKILL'))
  return {
    dataDir,
    proxy: () => proxy,
    async calls(user, project, count = 1) {
      for (let at = 0; at < count; at++) {
        const { status } = await call(user, project, '/v1/chat/completions')
        if (status !== 200) throw new Error(`a call was answered ${status}`)
      }
    },
    async openCall(user, project) {
      const before = ends.length
      const going = call(user, project, '/v1/long')
      const { end } = await eventually('the call to reach the upstream', () => ends[before])
      return async () => {
        end()
        await going
      }
    },
    health,
    async settled() {
      await eventually('everything to be stored', async () => {
        const { accepted, pending } = (await health()).records
        return accepted > 0 && pending === 0
      })
    },
    purge: (wish) => api<Purge>('/purge', wish),
    purged: (number, state = 'done', ms = 30_000) =>
      eventually(
        `purge ${number} to be ${state}`,
        async () => {
          const purge = await api<Purge>(`/purge/${number}`)
          await health()
          const isFar =
            state === 'done' || purge.parts.some(({ name, state }) => name === 'embedded' && state === 'done')
          return purge.state === state && isFar ? purge : null
        },
        ms,
        20,
      ),
    async killed() {
      await stop()
      proxy = await spawned()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

const headersOf = (user: string, project: string) =>
  [
    ['content-type', 'application/json'],
    ['x-user-id', user],
    ['x-project-id', project],
  ] as const

/** Users of the calls in a MongoDB, read past the product; and the calls in its totals, by user and by project. */
export async function usersIn(uri: string, database: string) {
  await using client = new MongoClient(uri)
  const db = client.db(database)
  const tally = (entries: readonly (readonly [string, number])[]) => {
    const sums: Record<string, number> = {}
    for (const [name, count] of entries) sums[name] = (sums[name] ?? 0) + count
    return sums
  }
  const calls = await db.collection('telemetry').find().toArray()
  const runs = await db.collection('llm_runs').find().toArray()
  const totals = await db.collection('rollups').find().toArray()
  const requests = (level: string, name: 'owner' | 'project') =>
    tally(totals.filter((row) => row.level === level).map((row) => [String(row[name]), Number(row.requests)]))
  return {
    calls: tally(calls.map(({ metadata }) => [String(metadata.user_id), 1])),
    runs: tally(runs.map(({ soeid }) => [String(soeid), 1])),
    byUser: requests('user_day', 'owner'),
    byProject: requests('model_day', 'project'),
  }
}

/** Users of the rows in the CSV files below a directory. */
export function usersInCsv(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .flatMap((name): Record<string, string>[] =>
      parse(readFileSync(join(directory, name)), { columns: true, record_delimiter: '\r\n' }),
    )
    .filter(({ event_type }) => !event_type!.startsWith('connection_'))
    .map(({ soeid }) => soeid!)
}

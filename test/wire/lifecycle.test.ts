import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { journalVersion, segmentHeader, segmentPath } from '../../src/journal/segments.ts'
import { newId } from '../../src/lib/id.ts'
import { chunk, json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'
import { eventually, signal } from '../support/within.ts'

const ask = requestBytes(
  'POST',
  '/v1/chat/completions',
  [['content-type', 'application/json']],
  '{"model":"m","stream":true,"messages":[]}',
)

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'sightglass-life-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

it('on SIGTERM says not ready, still serves, lets streams finish, and ends with 0 and every record', async () => {
  await inFolder(async (dataDir) => {
    const goOn = signal()
    await using upstream = await scriptedUpstream((request) =>
      request.bodyText.includes('"stream":true')
        ? [
            'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
            chunk('data: {"choices":[{"index":0,"delta":{"content":"begun"}}]}\n\n'),
            { until: goOn.promise },
            chunk(
              'data: {"choices":[{"index":0,"delta":{"content":" done"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
            ),
            '0\r\n\r\n',
          ]
        : json({ object: 'list', data: [] }),
    )
    const proxy = await spawnProxy({
      dataDir,
      upstreams: { openai: upstream.port },
      env: { DRAIN_DELAY: '800ms', DRAIN_LIMIT: '10s' },
    })
    expect((await fetch(`${proxy.url}/ready`)).status).toBe(200)
    const client = await rawConnect(proxy.port)
    await client.send(ask)
    await client.bodyText('begun')
    const stopped = proxy.stop('SIGTERM')
    await eventually('/ready to say no', async () => (await fetch(`${proxy.url}/ready`)).status === 503)
    expect((await fetch(`${proxy.url}/v1/models`)).status).toBe(200)
    await eventually('new connections to be refused', async () =>
      fetch(`${proxy.url}/health`).then(
        () => false,
        () => true,
      ),
    )
    goOn.give()
    const all = await client.answered()
    expect(all).toMatchObject({ ended: 'clean' })
    expect(all.bodyText).toContain(' done')
    expect(await stopped).toEqual({ code: 0, signal: null })

    await using again = await startProxy({ dataDir })
    const records = await again.records()
    expect(records.map(({ telemetry }) => telemetry.metadata.outcome)).toEqual(['ok', 'ok'])
    expect(await again.store.body(null, all.header('x-sightglass-id')!, 'response')).toMatchObject({ truncated: false })
  })
}, 40_000)

it('refuses a data directory that another process works in, and takes it over from one that was killed', async () => {
  await inFolder(async (dataDir) => {
    const first = await spawnProxy({ dataDir })
    await expect(spawnProxy({ dataDir })).rejects.toThrow(/in use by another Sightglass/)
    await first.stop('SIGKILL')
    const second = await spawnProxy({ dataDir })
    expect(await second.stop()).toEqual({ code: 0, signal: null })
  })
}, 40_000)

it('refuses a data directory that cannot be written, by name', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'a-file')
    await writeFile(file, '')
    await expect(spawnProxy({ dataDir: join(file, 'data') })).rejects.toThrow(/a-file/)
  })
})

it('says which port is taken', async () => {
  await using one = await startProxy()
  await expect(spawnProxy({ env: { PORT: String(one.port) } })).rejects.toThrow(new RegExp(`${one.port}`))
})

it('names every wrong setting and ends with 1', async () => {
  await inFolder(async (folder) => {
    const config = join(folder, 'sightglass.yaml')
    await writeFile(config, 'port: many\nhosst: x\nupstreams:\n  mine:\n    provider: nobody\n    url: ftp://x\n')
    const failure = spawnProxy({ args: ['--config', config], env: { DRAIN_DELAY: 'soon' } })
    await expect(failure).rejects.toThrow(/\(1\)/)
    const text = await failure.catch((error: Error) => error.message)
    if (typeof text !== 'string') throw new Error('it started')
    for (const part of ['many', 'hosst', 'nobody', 'ftp://x', 'soon']) expect(text).toContain(part)
  })
})

it('refuses records written by a newer version, with the file and both versions', async () => {
  await inFolder(async (dataDir) => {
    const first = await startProxy({ dataDir })
    await first.stop()
    const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'))
    database.exec('PRAGMA user_version = 999')
    database.close()
    await expect(spawnProxy({ dataDir })).rejects.toThrow(/sightglass\.sqlite[\s\S]*999/)
  })
}, 30_000)

it('refuses a journal written by a newer version, with the file and both versions, and leaves it as it is', async () => {
  await inFolder(async (dataDir) => {
    const epoch = newId(Date.now())
    const path = segmentPath(join(dataDir, 'journal'), epoch, 1)
    await mkdir(dirname(path), { recursive: true })
    const newer = segmentHeader({ version: journalVersion + 1, segment: 1, salt: 1, epoch })
    await writeFile(path, newer)
    await expect(spawnProxy({ dataDir })).rejects.toThrow(
      `${path}: journal version ${journalVersion + 1}, this build reads up to ${journalVersion}`,
    )
    expect(await readFile(path)).toEqual(newer)
  })
}, 30_000)

it('does not log health probes', async () => {
  const proxy = await spawnProxy({ env: { LOG_LEVEL: 'debug', LOG_FORMAT: 'json' } })
  for (let probe = 0; probe < 3; probe++) await fetch(`${proxy.url}/health`)
  await proxy.stop()
  expect(proxy.output()).not.toContain('/health')
})

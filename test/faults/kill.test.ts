import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chunk } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawConnect, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { spawnProxy } from '../support/spawn-proxy.ts'

const event = (number: number, text: string): Buffer =>
  chunk(
    `data: ${JSON.stringify({ id: `c${number}`, model: 'gpt-4o-mini', choices: [{ index: 0, delta: { content: text } }] })}\n\n`,
  )

it('loses no record of a completed answer to kill -9 during 500 streaming calls, and the rest are interrupted', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-kill-'))
  const calls = 500
  const clients = 50
  await using upstream = await scriptedUpstream(async function* (request) {
    const number = Number(/"call":(\d+)/.exec(request.bodyText)![1])
    yield 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
    for (let piece = 0; piece < 5; piece++) {
      yield event(number, `${number}.${piece} `)
      yield { waitMs: (number * 7 + piece * 3) % 9 }
    }
    yield chunk('data: [DONE]\n\n')
    yield '0\r\n\r\n'
  })
  const proxy = await spawnProxy({ dataDir, upstreams: { openai: upstream.port } })

  const completed = new Map<string, number>()
  const begun = new Set<string>()
  let next = 0
  let killed = false
  const client = async (): Promise<void> => {
    const connection = await rawConnect(proxy.port, { deadlineMs: 20_000 })
    while (next < calls && !killed) {
      const number = next++
      const body = JSON.stringify({
        model: 'gpt-4o-mini',
        stream: true,
        call: number,
        messages: [{ role: 'user', content: `call ${number}` }],
      })
      const all = await connection.exchange(
        requestBytes('POST', '/v1/chat/completions', [['content-type', 'application/json']], body),
      )
      const id = all.header('x-sightglass-id')
      if (id) begun.add(id)
      if (all.ended !== 'clean') break
      completed.set(id!, number)
      if (completed.size === 200 && !killed) {
        killed = true
        process.kill(proxy.pid, 'SIGKILL')
      }
    }
    connection.leave()
  }
  await Promise.allSettled(Array.from({ length: clients }, client))
  expect(killed).toBe(true)
  expect(await proxy.exited).toMatchObject({ signal: 'SIGKILL' })

  await using again = await startProxy({ dataDir })
  const records = await again.records()
  const byId = new Map(records.map((record) => [record.telemetry._id, record]))
  expect(byId.size).toBe(records.length)
  for (const [id, number] of completed) {
    const record = byId.get(id)
    expect([id, record?.telemetry.metadata.outcome]).toEqual([id, 'ok'])
    expect(record!.run.completion).toBe([0, 1, 2, 3, 4].map((piece) => `${number}.${piece} `).join(''))
  }
  for (const id of begun) expect(byId.has(id)).toBe(true)
  // every request that the upstream saw has exactly one record
  expect(records.length).toBeGreaterThanOrEqual(upstream.requests.length)
  const numbers = records.map(({ run }) => run.prompt)
  expect(new Set(numbers).size).toBe(numbers.length)
  const interrupted = records.filter(({ telemetry }) => telemetry.metadata.outcome === 'interrupted')
  expect(interrupted.length).toBeGreaterThan(0)
  expect(interrupted.length).toBeLessThanOrEqual(clients)
  await again.stop()
  await rm(dataDir, { recursive: true, force: true })
}, 60_000)

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const canary = 'sk-canary-0123456789abcdefghijklmnop'

it('lets a canary in every header, query and body place reach no journal, database, log or answer of ours (C21)', async () => {
  await using upstream = await scriptedUpstream((request) => [
    ...json(
      {
        error: {
          message: `Incorrect API key provided: ${canary}`,
          type: 'invalid_request_error',
          code: 'invalid_api_key',
        },
        echo: request.headers,
      },
      401,
      [
        ['set-cookie', `session=${canary}`],
        ['x-request-id', canary],
        ['x-ratelimit-limit-requests', canary],
      ],
    ),
  ])
  await using proxy = await startProxy({
    upstreams: { openai: upstream.port, anthropic: upstream.port, ollama: upstream.port },
  })
  const places: [string, string][] = [
    ['authorization', `Bearer ${canary}`],
    ['x-api-key', canary],
    ['api-key', canary],
    ['x-goog-api-key', canary],
    ['x-api-token', canary],
    ['cookie', `a=b; session=${canary}`],
    ['proxy-authorization', `Basic ${canary}`],
    ['user-agent', `agent ${canary}`],
    ['idempotency-key', canary],
    ['x-user-id', canary],
    ['x-session-id', canary],
    ['openai-organization', canary],
    ['x-stainless-lang', canary],
    ['x-nobody-knows', canary],
  ]
  const body = JSON.stringify({
    model: `model-${canary}`,
    stream: false,
    user: canary,
    api_key: canary,
    messages: [{ role: 'user', content: `my key is ${canary}, keep it` }],
  })
  const paths = [
    `/v1/chat/completions?key=${canary}&api_key=${canary}&x=${canary}`,
    `/v1/${canary}/x`,
    '/v1/messages',
    '/api/chat',
  ]
  for (const path of paths) await rawExchange(proxy.port, requestBytes('POST', path, places, body))
  const encoded: [string, string][] = [...places, ['content-encoding', 'gzip']]
  await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', encoded, gzipSync(body)))
  for (const place of places.slice(0, 4))
    await rawExchange(proxy.port, requestBytes('POST', '/v1/chat/completions', [place], body))

  const records = await proxy.records()
  expect(records).toHaveLength(9)
  for (const record of records)
    expect(
      JSON.stringify(record, null, 1)
        .split('\n')
        .filter((line) => line.includes(canary)),
    ).toEqual([])
  for (const { telemetry } of records)
    for (const side of ['request', 'response'] as const) {
      const kept = await proxy.store.body(null, telemetry._id, side)
      expect(Buffer.from(kept?.bytes ?? []).includes(canary)).toBe(false)
    }
  expect(JSON.stringify(proxy.events)).not.toContain(canary)
  const headers = { authorization: `Bearer ${proxy.adminToken}` }
  for (const path of [
    '/llm-history?limit=50&operation=all',
    `/llm-history/${records[0]!.telemetry._id}`,
    '/usage?group_by=key,user,model',
    '/health',
  ])
    expect(await (await fetch(proxy.url + path, { headers })).text()).not.toContain(canary)
  const files = globSync('**/*', { cwd: proxy.dataDir, withFileTypes: true }).filter((entry) => entry.isFile())
  expect(files.length).toBeGreaterThan(2)
  for (const { parentPath, name } of files)
    expect([name, readFileSync(join(parentPath, name)).includes(canary)]).toEqual([name, false])
  // and the upstream had it, everywhere it was sent to
  expect(upstream.requests[0]!.bodyText).toBe(body)
  expect(upstream.requests[0]!.header('authorization')).toBe(`Bearer ${canary}`)
})

it('keeps what the team chose: full, metadata or off, request and answer apart, by project and path', async () => {
  const answer = {
    id: 'c',
    model: 'gpt-4o-mini',
    choices: [{ index: 0, message: { role: 'assistant', content: 'spoken words' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
  }
  await using upstream = await scriptedUpstream(() => json(answer))
  await using proxy = await startProxy({
    upstreams: { openai: upstream.port },
    captureRules: [
      { project: 'quiet', request: 'metadata', response: 'metadata' },
      { project: 'silent', request: 'off', response: 'off' },
      { project: 'half', request: 'off' },
    ],
  })
  const ask = async (project: string) => {
    const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'asked words' }] })
    const all = await rawExchange(
      proxy.port,
      requestBytes(
        'POST',
        '/v1/chat/completions',
        [
          ['x-project-id', project],
          ['content-type', 'application/json'],
        ],
        body,
      ),
    )
    return proxy.record(all.header('x-sightglass-id'))
  }
  const full = await ask('open')
  expect(full.run).toMatchObject({ prompt: 'asked words', completion: 'spoken words' })
  const quiet = await ask('quiet')
  expect(quiet.run).toMatchObject({ prompt: null, completion: null })
  expect(quiet.telemetry.metadata).toMatchObject({
    prompt_tokens: 9,
    completion_tokens: 2,
    model_requested: 'gpt-4o-mini',
  })
  expect(JSON.stringify(quiet)).not.toMatch(/asked words|spoken words/)
  const silent = await ask('silent')
  expect(JSON.stringify(silent)).not.toMatch(/asked words|spoken words/)
  expect(silent.telemetry.metadata.response_size).toBeGreaterThan(100)
  expect(silent.run.response_body.sha256).toMatch(/^[0-9a-f]{64}$/)
  const half = await ask('half')
  expect(half.run).toMatchObject({ prompt: null, completion: 'spoken words' })
  const journal = globSync('journal/**/*.journal', { cwd: proxy.dataDir }).map((name) =>
    readFileSync(join(proxy.dataDir, name)).toString('latin1'),
  )
  const silently = journal.join('').split('"silent"').length - 1
  expect(silently).toBeGreaterThan(0)
  for (const kept of [quiet, silent])
    for (const side of ['request', 'response'] as const)
      expect(await proxy.store.body(null, kept.telemetry._id, side)).toBeNull()
})

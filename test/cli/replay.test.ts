import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer } from '../support/answer.ts'
import { type ScriptedUpstream, scriptedUpstream } from '../support/scripted-upstream.ts'
import { type SpawnedProxy, spawnProxy } from '../support/spawn-proxy.ts'
import { eventually } from '../support/within.ts'
import { spawnCli, storeWith } from './run-cli.ts'

/** The command as a process of its own, against a running proxy and two vendors that answer differently. */
const firstKey = 'sk-original-0123456789abcdef'
const secondKey = 'gsk-replayed-fedcba9876543210'

const says = (text: string, usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }) =>
  answer({
    headers: [['content-type', 'application/json']],
    body: JSON.stringify({
      id: 'c',
      object: 'chat.completion',
      model: 'gpt-4o-mini',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      usage,
    }),
  })

let folder: string
let first: ScriptedUpstream
let second: ScriptedUpstream
let local: ScriptedUpstream
let proxy: SpawnedProxy

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightglass-replay-'))
  first = await scriptedUpstream(() => says('Salt.\nAnd light.\n'))
  second = await scriptedUpstream(({ bodyText }) =>
    bodyText.includes('fail')
      ? answer({ status: 503, headers: [['content-type', 'application/json']], body: '{"error":{"message":"busy"}}' })
      : says('Salt.\nAnd water.\n', { prompt_tokens: 11, completion_tokens: 4, total_tokens: 15 }),
  )
  local = await scriptedUpstream(() => says('Salt.\nAnd light.\n'))
  const config = join(folder, 'sightglass.yaml')
  writeFileSync(config, 'capture:\n  body_limit: 4KiB\n  rules:\n    - { project: private, request: metadata }\n')
  proxy = await spawnProxy({
    dataDir: join(folder, 'data'),
    args: ['--config', config],
    upstreams: { openai: first.port, groq: second.port, ollama: local.port },
  })
})

afterAll(async () => {
  await proxy.stop()
  for (const upstream of [first, second, local]) await upstream.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A call of a client; resolves with its id once its record can be read. */
async function called(body: string | Uint8Array, headers: Record<string, string> = {}, project = 'shop') {
  const made = await fetch(`${proxy.url}/v1/chat/completions?trace=1`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${firstKey}`,
      'content-type': 'application/json',
      'x-project-id': project,
      ...headers,
    },
    body: Buffer.from(body),
  })
  await made.arrayBuffer()
  const id = made.headers.get('x-sightglass-id')!
  await eventually('the record of the call', async () => (await record(id)).status === 200)
  return id
}

const record = (id: string, token = proxy.adminToken) =>
  fetch(`${proxy.url}/llm-history/${id}`, { headers: { authorization: `Bearer ${token}` } })

const replay = (words: readonly string[], env: Record<string, string> = {}) =>
  spawnCli(['replay', ...words], { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken, ...env })

const question = '{ "model" : "gpt-4o-mini",\n  "messages":[{"role":"user","content":"Why is the sea \\u0062lue?"}] }'

describe('sightglass replay', () => {
  it('sends the same bytes to the other upstream, with its key, and shows both answers', async () => {
    const id = await called(question, { 'openai-beta': 'assistants=v2' })
    const before = second.requests.length
    const { code, out, notes } = await replay([id, '--to', 'groq'], { GROQ_API_KEY: secondKey })
    expect([code, notes]).toEqual([0, ''])
    const sent = second.requests.slice(before)
    expect(sent).toHaveLength(1)
    expect(sent[0]!.bodyText).toBe(question)
    expect([sent[0]!.method, sent[0]!.target]).toEqual(['POST', '/openai/v1/chat/completions'])
    expect(sent[0]!.header('authorization')).toBe(`Bearer ${secondKey}`)
    expect(sent[0]!.header('content-type')).toBe('application/json')
    expect(sent[0]!.header('openai-beta')).toBe('assistants=v2')
    expect(out).toMatch(/^Upstream +openai +groq$/m)
    expect(out).toMatch(/^In +12 +11$/m)
    expect(out).toMatch(/^Out +3 +4$/m)
    expect(out).toMatch(/^Latency +\S+ m?s +\S+ m?s$/m)
    expect(out).toContain('--- openai\n+++ groq\n  Salt.\n- And light.\n+ And water.\n')
  })

  it('gives programs the same as JSON, and leaves a record in the same project', async () => {
    const id = await called(question)
    const { code, out } = await replay([id.slice(0, 18), '--to', 'groq', '--json', '--key', secondKey])
    expect(code).toBe(0)
    const compared = JSON.parse(out)
    expect(compared).toMatchObject({
      original: { id, upstream: 'openai', status_code: 200, text: 'Salt.\nAnd light.\n', input_tokens: 12 },
      replay: { upstream: 'groq', status_code: 200, text: 'Salt.\nAnd water.\n', input_tokens: 11 },
      same_text: false,
      diff: [
        { kind: 'same', text: 'Salt.' },
        { kind: 'removed', text: 'And light.' },
        { kind: 'added', text: 'And water.' },
      ],
    })
    expect(await (await record(compared.replay.id)).json()).toMatchObject({
      telemetry: { metadata: { project_id: 'shop', experiment_id: `replay of ${id}`, upstream: 'groq' } },
    })
  })

  it('sends compressed bytes as they were, to an upstream that needs no key', async () => {
    const packed = gzipSync(question)
    const id = await called(packed, { 'content-encoding': 'gzip' })
    const before = local.requests.length
    const { code, out } = await replay([id, '--to', 'ollama'])
    expect(code).toBe(0)
    const [sent] = local.requests.slice(before)
    expect(sent!.body.equals(packed)).toBe(true)
    expect(sent!.header('content-encoding')).toBe('gzip')
    expect(sent!.header('authorization')).toBeNull()
    expect(out).toContain('Both answered the same:\n\n  Salt.\n  And light.\n')
  })

  it('lets the holder of a key replay its own calls without the admin token', async () => {
    const id = await called(question)
    const env = { ADMIN_TOKEN: '', SIGHTGLASS_URL: proxy.url, REPLAY_KEY: secondKey }
    expect(await replay([id, '--to', 'groq', '--token', firstKey], env)).toMatchObject({ code: 0, notes: '' })
    const others = await replay([id, '--to', 'groq', '--token', 'sk-somebody-else-0123456789'], env)
    expect(others).toMatchObject({ code: 1, notes: `sightglass: ${id}: no such call\n` })
  })

  it('ends with 1 when the other upstream fails, and shows how', async () => {
    const id = await called(question.replace('sea', 'fail'))
    const { code, out } = await replay([id, '--to', 'groq'], { REPLAY_KEY: secondKey })
    expect(code).toBe(1)
    expect(out).toMatch(/^Status +200 ok +503 upstream_error_http$/m)
    expect(out).toContain('groq: busy')
  })

  it.each([
    ['was not kept', question, 'private', 'the bytes of its request were not kept (capture metadata)'],
    [
      'was cut at the limit',
      `${question}${' '.repeat(5_000)}`,
      'shop',
      `only 4096 of the ${5_000 + question.length} bytes`,
    ],
    ['held the key itself', question.replace('sea', firstKey), 'shop', 'a secret stood in its request and was masked'],
  ])('refuses a call whose request %s', async (_why, body, project, message) => {
    const id = await called(body, {}, project)
    const before = second.requests.length
    const { code, out, notes } = await replay([id, '--to', 'groq'], { REPLAY_KEY: secondKey })
    expect([code, out]).toEqual([1, ''])
    expect(notes).toContain(`${id} cannot be replayed: ${message}`)
    expect(second.requests).toHaveLength(before)
  })

  it('says what is missing: a key, an upstream, a proxy', async () => {
    const id = await called(question)
    expect(await replay([id, '--to', 'groq'])).toMatchObject({
      code: 1,
      notes: 'sightglass: groq wants a key: give --key or REPLAY_KEY or GROQ_API_KEY\n',
    })
    expect((await replay([id, '--to', 'grok', '--key', secondKey])).notes).toContain('knows no upstream grok')
    expect((await replay([id])).code).toBe(2)
    const alone = await spawnCli(['replay', id, '--to', 'groq'], {
      ...storeWith([]),
      PORT: `${await closedPort()}`,
    })
    expect(alone).toMatchObject({ code: 1 })
    expect(alone.notes).toContain('a replay goes through the running proxy, and nothing listens on')
  })

  it('keeps the key nowhere', async () => {
    const id = await called(question)
    expect(await replay([id, '--to', 'groq', '--key', secondKey])).toMatchObject({ code: 0 })
    const files = globSync('**/*', { cwd: proxy.dataDir, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(2)
    const telling = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(secondKey))
    expect(telling.map(({ name }) => name)).toEqual([])
    expect(proxy.output()).not.toContain(secondKey)
  })
})

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const listener = await scriptedUpstream(() => [])
  await listener.stop()
  return listener.port
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, temporary } from '../cli/run-cli.ts'
import { json } from '../support/answer.ts'
import { startProxy, type TestProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { type ScriptedUpstream, scriptedUpstream } from '../support/scripted-upstream.ts'
import { within } from '../support/within.ts'

/** The command line of `?format=curl` is run by a real bash and a real curl, and the upstream tells what came. */
const key = 'sk-curl-0123456789abcdef'
let upstream: ScriptedUpstream
let proxy: TestProxy

beforeAll(async () => {
  upstream = await scriptedUpstream(() => json({ ok: true }))
  const upstreams = { openai: upstream.port, anthropic: upstream.port, ollama: upstream.port, groq: upstream.port }
  proxy = await startProxy({ upstreams, bodyLimitBytes: 1 << 20 })
})
afterAll(async () => {
  await proxy.stop()
  await upstream.stop()
})

interface Call {
  method?: string
  path?: string
  headers?: readonly (readonly [string, string])[]
  body?: string | Uint8Array
}

const jsonType = ['content-type', 'application/json'] as const

async function idOf({ method = 'POST', path = '/v1/chat/completions', headers = [jsonType], body }: Call) {
  const all = [...headers, ['authorization', `Bearer ${key}`] as const]
  const bytes = typeof body === 'string' ? Buffer.from(body) : body && Buffer.from(body)
  const through = await rawExchange(proxy.port, requestBytes(method, path, all, bytes))
  await proxy.settled()
  return through.header('x-sightglass-id')!
}

async function lineOf(id: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${proxy.adminToken}` }
  const answered = await fetch(`${proxy.url}/llm-history/${id}?format=curl`, { headers })
  return { status: answered.status, text: await answered.text() }
}

const variables = { OPENAI_API_KEY: key, ANTHROPIC_API_KEY: key, GROQ_API_KEY: key }

async function run(words: readonly string[], stdin: string | null = null): Promise<void> {
  const shell = spawn('bash', words, {
    env: { PATH: process.env.PATH, HOME: '/nowhere', ...variables },
    stdio: [stdin === null ? 'ignore' : 'pipe', 'ignore', 'pipe'],
  })
  const told: Buffer[] = []
  shell.stderr!.on('data', (bytes: Buffer) => told.push(bytes))
  shell.stdin?.end(stdin)
  const [code] = await within(20_000, 'the shell to end', once(shell, 'close'))
  expect([code, Buffer.concat(told).toString()]).toEqual([0, expect.anything()])
}

async function fromFile(text: string): Promise<void> {
  const path = join(temporary(), 'again.sh')
  writeFileSync(path, text)
  await run([path])
}

/** The call, and what its command line sends, as the upstream got both. */
async function bothTimes(call: Call, how: (text: string) => Promise<void> = fromFile) {
  const id = await idOf(call)
  const original = upstream.requests.at(-1)!
  const { status, text } = await lineOf(id)
  expect([status, text]).toEqual([200, expect.any(String)])
  expect(text).not.toContain(key)
  const seen = upstream.requests.length
  await how(text)
  expect(upstream.requests.length).toBe(seen + 1)
  return { original, again: upstream.requests.at(-1)!, text }
}

async function expectSame(call: Call): Promise<string> {
  const { original, again, text } = await bothTimes(call)
  expect(again.method).toBe(original.method)
  expect(again.target).toBe(original.target)
  expect(again.body.equals(original.body)).toBe(true)
  for (const name of ['content-type', 'content-encoding', 'authorization', 'accept', 'anthropic-version', 'x-api-key'])
    expect([name, again.header(name)]).toEqual([name, original.header(name)])
  return text
}

const ask = (content: string) => JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] })

describe('a command line that makes a call again sends the same bytes', () => {
  it.each([
    ['plain JSON', ask('hello')],
    ['quotes of every kind', ask(`it's "so", \`so\` and $'so'`)],
    ['what a shell would expand', ask(`$HOME $\{HOME} $(id) \`id\` \\ !! !x * ? ~ {a,b} # ; & | < >`)],
    ['a file name of curl', '@/etc/passwd'],
    ['newlines', '{\n  "model": "gpt-4o-mini"\n}\n'],
    ['tabs, returns and escapes', '{\r\n\t"model":\t"x\u001b[2J\u0007!"\r\n}'],
    ['characters that hide', ask('a\u202eb\u2066c\u009bd')],
    ['a byte order mark', `\ufeff${ask('x')}`],
    ['other scripts', ask('Größe 海の青 🌊')],
    ['a single quote at each end', "'x'"],
    ['nothing but a newline', '\n'],
  ])('%s', async (_name, body) => {
    const text = await expectSame({ body })
    expect(text).toContain('--data-raw')
    // what is pasted into a terminal is what is seen
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u)
  })

  it.each([
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x0a, 0x80)],
    ['NUL', Uint8Array.of(0x61, 0, 0x62, 0x0d, 0x0a)],
    ['all bytes', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
    ['a long text', Buffer.from(ask('long '.repeat(60_000)))],
  ])('%s, from standard input', async (_name, body) => {
    expect(await expectSame({ body, headers: [['content-type', 'application/octet-stream']] })).toContain(
      '--data-binary @-',
    )
  })

  it('compressed, with its coding', async () => {
    const body = gzipSync(ask('hello'))
    await expectSame({ body, headers: [jsonType, ['content-encoding', 'gzip']] })
  })

  it('a form with a file, with its boundary', async () => {
    const boundary = "----boundary'of=ours"
    const file = Buffer.from([0x49, 0x44, 0x33, 0, 1, 2, 0xff])
    const part = (head: string) => `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`
    const body = Buffer.concat([
      Buffer.from(`${part('name="model"')}whisper-1\r\n${part('name="file"; filename="a.mp3"')}`),
      file,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    const headers = [['content-type', `multipart/form-data; boundary="${boundary}"`]] as const
    await expectSame({ path: '/v1/audio/transcriptions', headers, body })
    const text = body.toString('latin1').replace(/[^\r\n -~]/g, '.')
    await expectSame({ path: '/v1/audio/transcriptions', headers, body: text })
  })

  it('no body at all, and other methods', async () => {
    for (const method of ['GET', 'DELETE', 'POST', 'PUT', 'HEAD'])
      await expectSame({ method, path: "/v1/fine_tuning/it's-[1]{2}", headers: [['accept', 'application/json']] })
  })

  it('with the header that its provider reads the key from', async () => {
    const headers = [jsonType, ['x-api-key', key] as const, ['anthropic-version', '2023-06-01'] as const]
    const { original, again, text } = await bothTimes({ path: '/anthropic/v1/messages', headers, body: ask('hello') })
    expect(text).toContain('"x-api-key: $ANTHROPIC_API_KEY"')
    expect(again.header('anthropic-version')).toBe(original.header('anthropic-version'))
    expect(again.header('x-api-key')).toBe(key)
    expect(again.target).toBe(original.target)
    const groq = await bothTimes({ path: '/groq/v1/chat/completions', body: ask('hello') })
    expect(groq.text).toContain('"authorization: Bearer $GROQ_API_KEY"')
    expect(groq.again.target).toBe(groq.original.target)
  })

  it('pasted into an interactive shell', async () => {
    const body = ask("!! !$ it's \\ fine\u001b[A")
    const { original, again } = await bothTimes({ body }, (text) => run(['--norc', '--noediting', '-i'], text))
    expect(again.body.equals(original.body)).toBe(true)
  })

  it('whatever the bytes are', async () => {
    const bodies = fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.uint8Array({ minLength: 1, maxLength: 60 }))
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        await expectSame({ body: typeof body === 'string' ? body.toWellFormed() : body })
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  it('counts where the call counted, and is a call like every other', async () => {
    await bothTimes({ body: ask('hello'), headers: [jsonType, ['x-project-id', 'shop']] })
    const [first, second] = (await proxy.records()).slice(-2)
    for (const record of [first, second]) expect(record?.telemetry.metadata.project_id).toBe('shop')
    expect(second?.telemetry.metadata.request_sha256).toBe(first?.telemetry.metadata.request_sha256)
  })
})

it('is the same from the command line, also without a running proxy', async () => {
  const id = await idOf({ body: ask('hello') })
  const { text } = await lineOf(id)
  const env = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken }
  expect(await cli(['show', id, '--format', 'curl'], env)).toMatchObject({ code: 0, out: text })
  const gone = await scriptedUpstream(() => [])
  await gone.stop()
  const offline = await cli(['show', id, '--format', 'curl'], { DATA_DIR: proxy.dataDir, PORT: `${gone.port}` })
  expect(offline.out).toBe(text.replace(proxy.url, gone.url))
})

it('is refused where the bytes that were sent are not known', async () => {
  for (const [body, reason] of [
    [ask(`my key is ${key}`), 'a secret stood in its request and was masked'],
    [ask('x'.repeat(1 << 20)), 'only 1048576 of the'],
  ] as const) {
    const id = await idOf({ body })
    const { status, text } = await lineOf(id)
    expect([status, JSON.parse(text).error]).toEqual([
      422,
      expect.objectContaining({ param: 'format', message: expect.stringContaining(reason) }),
    ])
    const env = { SIGHTGLASS_URL: proxy.url, ADMIN_TOKEN: proxy.adminToken }
    const shown = await cli(['show', id, '--format', 'curl'], env)
    expect(shown).toMatchObject({ code: 1, out: '', notes: expect.stringContaining(reason) })
  }
})

import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ScriptedProvider, scriptedProvider } from '../src/demo/scripted-provider.ts'
import { type SpawnedProxy, spawnProxy } from './support/spawn-proxy.ts'

/** Every command of the README is run, in its order, against a proxy of its own; every link leads somewhere. */
const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.trim().split('\n'))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** They contain this very test, or are too long for it: CI runs them. */
const runElsewhere = new Set(['npm test', 'npm run check', 'npm run test:real', 'npm run test:kill'])

const run = promisify(execFile)

let folder: string
let provider: ScriptedProvider
let proxy: SpawnedProxy

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sightglass-readme-'))
  provider = await scriptedProvider({ pace: { firstTokenMs: 5, tokensPerSecond: 1000 } })
  proxy = await spawnProxy({
    dataDir: join(folder, 'data'),
    upstreams: { openai: provider.port, anthropic: provider.port, ollama: provider.port },
    env: { ADMIN_TOKEN: '' },
  })
})

afterAll(async () => {
  await proxy.stop()
  await provider.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Runs a command as the README's reader would, with the proxy of this test in the place of the usual one. */
async function asWritten(command: string): Promise<string> {
  const script = /^npm run (?:-s )?(?:sightglass|demo)/.test(command) ? `cd ${root} && ${command}` : command
  const { stdout } = await run(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('127.0.0.1:8484', `127.0.0.1:${proxy.port}`)],
    {
      cwd: folder,
      timeout: 60_000,
      env: {
        ...process.env,
        DATA_DIR: proxy.dataDir,
        PORT: String(proxy.port),
        OPENAI_API_KEY: 'sk-readme-0123456789abcdef',
      },
    },
  )
  return stdout
}

const expected: readonly (readonly [pattern: RegExp, output: RegExp])[] = [
  [/^curl .*chat\/completions/, /data: \[DONE\]/],
  [/sightglass -- runs/, /gpt-4o-mini/],
  [/sightglass -- usage/, /shop/],
  [/^curl .*\/usage\?group_by/, /"project":"shop"/],
  [/^curl .*llm-history/, /"model_requested":"gpt-4o-mini"/],
  [/^curl .*usage\/self/, /"requests":1/],
  [/^curl .*health/, /"status":"ok"/],
  [/sightglass -- config/, /port/],
  [/^npm run demo/, /research/],
]

describe('README', () => {
  it('has commands', () => {
    expect(commands.length).toBeGreaterThan(10)
  })

  it.each(commands.filter((command) => !runElsewhere.has(command)))(
    '%s',
    async (command) => {
      if (command === 'npm start') {
        await using other = await spawnProxy({ npm: true })
        expect((await fetch(`${other.url}/health`)).status).toBe(200)
        return
      }
      const client = /^export (\w+)=http:\/\/127\.0\.0\.1:8484(.*)$/.exec(command)
      if (client) {
        const first: Record<string, string> = {
          OPENAI_BASE_URL: '/models',
          ANTHROPIC_BASE_URL: '/v1/messages',
          OLLAMA_HOST: '/api/tags',
          GOOGLE_GEMINI_BASE_URL: '/v1beta/models',
        }
        const answer = await fetch(`${proxy.url}${client[2]}${first[client[1]!]}`)
        expect(answer.headers.get('x-sightglass-id')).not.toBeNull()
        return
      }
      const row = expected.find(([pattern]) => pattern.test(command))
      expect(row, `an expectation for: ${command}`).toBeDefined()
      // a record is there a moment after its answer
      await expect.poll(() => asWritten(command), { timeout: 30_000, interval: 300 }).toMatch(row![1])
    },
    90_000,
  )

  it.each([...runElsewhere])('names the script of %s', (command) => {
    expect(scripts).toHaveProperty(command === 'npm test' ? 'test' : command.replace('npm run ', ''))
  })

  it.each(['README.md', ...globSync('docs/**/*.md', { cwd: root })])('has no dead links in %s', (file) => {
    const links = [...readFileSync(join(root, file), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      ([, link]) => link!,
    )
    expect(links.filter((link) => !existsSync(join(root, dirname(file), link)))).toEqual([])
  })

  it.each(['README.md', ...globSync('docs/**/*.md', { cwd: root })])(
    'names only files that are there in %s',
    (file) => {
      const named = [
        ...readFileSync(join(root, file), 'utf8').matchAll(/`((?:src|test|config|docs|scripts|bench)\/[\w./-]+)/g),
      ]
      expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(root, path)))).toEqual([])
    },
  )
})

import { execFile } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { scriptedProvider } from '../src/demo/scripted-provider.ts'
import { spawnProxy } from './support/spawn-proxy.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)
const { bin, files, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: { sightglass: string }
  files: readonly string[]
  version: string
}

/** What `npm run build` makes, laid out as the installed package is. */
let folder: string
let entry: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sightglass-package-'))
  await run(process.execPath, [join(root, 'scripts', 'build.ts'), join(folder, 'dist')])
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  entry = join(folder, bin.sightglass)
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the package', () => {
  it('ships what its licence, its users and its settings need', () => {
    expect(files).toEqual(expect.arrayContaining(['dist', 'config', 'docs', 'LICENSE', 'NOTICE']))
    for (const file of files.filter((one) => one !== 'dist' && !one.startsWith('!')))
      expect(existsSync(join(root, file)), file).toBe(true)
  })

  it('has the prices of every provider and is a program of its own', () => {
    const prices = globSync('providers/*/prices.json', { cwd: root })
    expect(prices.length).toBeGreaterThan(5)
    expect(prices.filter((path) => !existsSync(join(folder, 'dist', path)))).toEqual([])
    expect(readFileSync(entry, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })

  it('tells its version, and an older Node what it needs', async () => {
    expect((await run(process.execPath, [entry, '--version'])).stdout).toBe(`${version}\n`)
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.9.0' } })`
    const refused = run(process.execPath, ['--import', `data:text/javascript,${older}`, entry, '--version'])
    await expect(refused).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'sightglass needs Node 24 or newer, and this is 22.9.0\n',
    })
  })

  it('records, estimates and prices a call from dist/ alone, and shows it', async () => {
    const provider = await scriptedProvider({ pace: { firstTokenMs: 5, tokensPerSecond: 1000 } })
    try {
      await using proxy = await spawnProxy({ entry, cwd: folder, upstreams: { openai: provider.port } })
      const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer sk-package-0123456789', 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Hello?' }] }),
      })
      expect(await answer.text()).toContain('[DONE]')
      const ask = async (...words: string[]) =>
        (await run(process.execPath, [entry, ...words, '--url', proxy.url, '--token', proxy.adminToken])).stdout
      await expect.poll(() => ask('usage'), { timeout: 15_000, interval: 300 }).toMatch(/^default +gpt-4o-mini +1 /m)
      const shown = await ask('show', answer.headers.get('x-sightglass-id')!)
      expect(shown).toMatch(/^Tokens .* estimated with o200k_base$/m)
      expect(shown).toMatch(/^Cost +\$0\.0\d+ \(estimated\) · prices /m)
    } finally {
      await provider.stop()
    }
  }, 40_000)
})

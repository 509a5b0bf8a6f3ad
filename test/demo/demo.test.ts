import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { runDemo } from '../../src/demo/main.ts'

const pace = { firstTokenMs: 20, tokensPerSecond: 600 }

describe('the demo', () => {
  it('makes the calls of three projects and prints what they used', async () => {
    const lines: string[] = []
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('sightglass-demo-'))
    await runDemo({ print: (line) => lines.push(line), pace })
    const printed = lines.join('\n')
    const table = printed.slice(printed.search(/^project /m))
    expect(table).toMatch(/^checkout-bot +openai +gpt-4o-mimi +1 +1 /m)
    expect(table).toMatch(/^checkout-bot +openai +gpt-4o-mini +3 +0 /m)
    expect(table).toMatch(/^research +anthropic +claude-sonnet-4-6 +1 +0 .*\$0\.\d+/m)
    expect(table).toMatch(/^research +ollama +llama3\.2 +2 +1 .*\$0$/m)
    expect(table).toMatch(/^support-search +anthropic +claude-haiku-4-5 +2 +0 /m)
    expect(table).toMatch(/^support-search +openai +text-embedding-3-small +2 +0 /m)
    expect(table).toMatch(/^total +11 +2 /m)
    expect(printed).toContain('npm start')
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('sightglass-demo-'))).toEqual(before)
  })

  it('keeps the records in a data directory it is given', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sightglass-test-'))
    try {
      const lines: string[] = []
      await runDemo({ print: (line) => lines.push(line), pace, dataDir })
      expect(await readdir(dataDir)).toContain('sightglass.sqlite')
      expect(lines.join('\n')).toContain(`--data-dir ${dataDir}`)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('says which packages are missing, and how to get them', async () => {
    const hook = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (name !== 'ollama' && name !== 'openai') return next(name, context)
        throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const script = `import { loadClients } from './src/demo/clients.ts'
      await loadClients().catch((error) => console.log(error.name + ': ' + error.message))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, '--input-type=module-typescript', '-e', script],
      { cwd: join(import.meta.dirname, '..', '..') },
    )
    expect(stdout).toBe(
      'CommandFailure: the demo calls through the official packages, and some are not installed: npm install openai ollama\n',
    )
  })
})

import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { printUsage } from '../../src/cli/demo.ts'
import { runDemo } from '../../src/demo/main.ts'
import { cli, spawnCli, temporary } from '../cli/run-cli.ts'

const pace = { firstTokenMs: 20, tokensPerSecond: 600 }

describe('the demo', () => {
  it('makes the calls of three projects and prints what they used', async () => {
    const lines: string[] = []
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith('sightglass-demo-'))
    const out = (text: string | Uint8Array) => lines.push(...text.toString().split('\n'))
    await runDemo({
      print: out,
      pace,
      whenRecorded: (proxy) => printUsage(proxy, { out, note: out, env: {}, cwd: proxy.dataDir, width: Infinity }),
    })
    const row = (project: string, model: string) =>
      lines.find((line) => line.startsWith(`${project} `) && line.includes(` ${model} `))?.split(/ {2,}/)
    expect(row('checkout-bot', 'gpt-4o-mini')).toMatchObject({ 2: '3', 3: '0', 4: '133', 6: '86', 7: '$0.0000716' })
    expect(row('checkout-bot', 'gpt-4o-mimi')).toMatchObject({ 2: '1', 3: '1 (100 %)' })
    expect(row('support-search', 'claude-haiku-4-5')).toMatchObject({ 2: '2', 3: '0', 4: '30', 6: '56', 7: '$0.00031' })
    expect(row('support-search', 'text-embedding-3-small')).toMatchObject({ 2: '2', 3: '0', 4: '19', 6: '0' })
    expect(row('research', 'claude-sonnet-4-6')).toMatchObject({ 2: '1', 3: '0', 4: '13', 6: '59', 7: '$0.000924' })
    // one of the two was left early: its tokens are an estimate
    expect(row('research', 'llama3.2')).toMatchObject({ 2: '2', 3: '1 (50 %)', 4: '~51', 7: '$0' })
    expect(lines.find((line) => line.startsWith('all '))?.split(/ {2,}/)).toMatchObject({ 1: '11', 2: '2 (18 %)' })
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('sightglass-demo-'))).toEqual(before)
  })

  it('keeps the records in a data directory it is given, and says how to go on', async () => {
    const dataDir = temporary()
    const { code, out } = await cli(['demo', '--data-dir', dataDir])
    expect(code).toBe(0)
    expect(await readdir(dataDir)).toContain('sightglass.sqlite')
    expect(out).toMatch(/^support-search +claude-haiku-4-5 +2 /m)
    expect(out).toContain(`usage --data-dir ${dataDir}`)
    expect(out).toContain('npm start')
  })

  it('says which packages are missing, and how to get them', async () => {
    const hook = `import { registerHooks } from 'node:module'
      registerHooks({ resolve(name, context, next) {
        if (name !== 'ollama' && name !== 'openai') return next(name, context)
        throw Object.assign(new Error(name), { code: 'ERR_MODULE_NOT_FOUND' })
      } })`
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(hook)}`
    expect(await spawnCli(['demo'], { NODE_OPTIONS })).toMatchObject({
      code: 1,
      out: '',
      notes:
        'sightglass: the demo calls through the official packages, and some are not installed: npm install openai ollama\n',
    })
  })
})

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { type RawAnswer, rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually } from '../support/within.ts'
import { delivered, healthOf } from './health.ts'

/** A small disk of our own, or why there can be none. */
function smallDisk(): { path: string; unmount(): void } | { refused: string } {
  const path = mkdtempSync(join(tmpdir(), 'sightglass-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', path], { stdio: 'pipe' })
  } catch (error) {
    rmdirSync(path)
    return { refused: error instanceof Error ? error.message.trim() : String(error) }
  }
  const unmount = () => {
    execFileSync('umount', [path], { stdio: 'pipe' })
    rmdirSync(path)
  }
  return { path, unmount }
}

const completion = {
  id: 'c',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}

/** A proxy on a small disk, and everything that was asked of it. */
async function onSmallDisk(path: string, journalFull: 'serve' | 'refuse') {
  const upstream = await scriptedUpstream(() => json(completion))
  const proxy = await startProxy({ dataDir: path, upstreams: { openai: upstream.port }, journalFull })
  const text = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x'.repeat(40_000) }] })
  const ask = requestBytes('POST', '/v1/chat/completions', [['content-type', 'application/json']], text)
  const ballast = join(path, 'somebody-elses-file')
  const journalIs = (state: string, ms?: number) =>
    eventually(
      `the journal to be ${state}`,
      async () => (await healthOf(proxy.url)).services.journal?.state === state,
      ms,
    )
  return {
    proxy,
    upstream,
    async calls(count: number): Promise<RawAnswer[]> {
      const answers: RawAnswer[] = []
      for (let call = 0; call < count; call++) answers.push(await rawExchange(proxy.port, ask))
      return answers
    },
    async fill() {
      fill(ballast)
      await journalIs('down')
    },
    async free() {
      rmSync(ballast)
      await journalIs('ok', 15_000)
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop()
      await upstream.stop()
    },
  }
}

const answered = (answers: readonly RawAnswer[]) => answers.map(({ json }) => json)

it('serves on while the disk is full, counts what is not recorded, and records again when there is room (48)', async (context) => {
  const disk = smallDisk()
  if ('refused' in disk) return context.skip(`this machine mounts no tmpfs: ${disk.refused}`)
  try {
    await using small = await onSmallDisk(disk.path, 'serve')
    const all = await small.calls(20)
    await small.fill()
    all.push(...(await small.calls(20)))
    expect((await healthOf(small.proxy.url)).records.dropped).toBe(20)
    await small.free()
    all.push(...(await small.calls(20)))
    expect(answered(all)).toEqual(all.map(() => completion))
    const { records } = await delivered(small.proxy.url)
    expect(records).toMatchObject({ accepted: 61, stored: 41, dropped: 20, quarantined: 0 }) // the record of the gap
    const kept = await small.proxy.records()
    expect(kept).toHaveLength(41)
    const gap = kept.find(({ telemetry }) => telemetry.metadata.method === 'GAP')
    expect(gap?.telemetry.metadata.error_message).toMatch(/^20 calls were not recorded/)
  } finally {
    disk.unmount()
  }
}, 60_000)

it('refuses calls while the disk is full where the settings say so, without a loss, and serves again when there is room (48)', async (context) => {
  const disk = smallDisk()
  if ('refused' in disk) return context.skip(`this machine mounts no tmpfs: ${disk.refused}`)
  try {
    await using small = await onSmallDisk(disk.path, 'refuse')
    const before = await small.calls(20)
    await small.fill()
    const refused = await small.calls(20)
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 503))
    await small.free()
    const after = await small.calls(20)
    expect(answered([...before, ...after])).toEqual(Array.from({ length: 40 }, () => completion))
    expect(small.upstream.requests).toHaveLength(40)
    const { records } = await delivered(small.proxy.url)
    expect(records).toMatchObject({ accepted: 40, stored: 40, dropped: 0, quarantined: 0 })
    expect(await small.proxy.records()).toHaveLength(40)
  } finally {
    disk.unmount()
  }
}, 60_000)

/** Writes until the disk takes nothing more. */
function fill(path: string) {
  for (const size of [1_000_000, 10_000, 500]) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        break
      }
    }
  }
}

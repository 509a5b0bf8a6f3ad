import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { json } from '../support/answer.ts'
import { startProxy } from '../support/proxy.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { eventually } from '../support/within.ts'

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

it('serves on while the disk is full, counts what is not recorded, and records again when there is room', async (context) => {
  const disk = smallDisk()
  if ('refused' in disk) return context.skip(`this machine mounts no tmpfs: ${disk.refused}`)
  try {
    await using upstream = await scriptedUpstream(() => json(completion))
    await using proxy = await startProxy({ dataDir: disk.path, upstreams: { openai: upstream.port } })
    const text = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'x'.repeat(40_000) }] })
    const ask = requestBytes('POST', '/v1/chat/completions', [['content-type', 'application/json']], text)
    const health = async () => (await rawExchange(proxy.port, requestBytes('GET', '/health'))).json as Health
    let asked = 0
    const call = async () => {
      asked++
      expect((await rawExchange(proxy.port, ask)).json).toEqual(completion)
    }
    for (let count = 0; count < 20; count++) await call()

    const ballast = join(disk.path, 'somebody-elses-file')
    fill(ballast)
    await eventually('the journal to say so', async () => (await health()).services.journal.state === 'down')
    for (let count = 0; count < 20; count++) await call()
    expect((await health()).records.dropped).toBeGreaterThanOrEqual(20)

    rmSync(ballast)
    await eventually('the journal to be well', async () => (await health()).services.journal.state === 'ok', 15_000)
    for (let count = 0; count < 20; count++) await call()
    await proxy.settled()
    const { accepted, stored, pending, quarantined, dropped } = (await health()).records
    expect(stored + pending + quarantined + dropped).toBe(accepted)
    expect(accepted).toBe(asked + 1) // the record of the gap
    expect(await proxy.records()).toHaveLength(stored)
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

interface Health {
  services: { journal: { state: string } }
  records: Record<'accepted' | 'stored' | 'pending' | 'quarantined' | 'dropped', number>
}

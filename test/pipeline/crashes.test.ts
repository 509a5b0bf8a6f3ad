import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Journal } from '../../src/journal/journal.ts'
import { newId } from '../../src/lib/id.ts'
import type { LocalStore } from '../../src/pipeline/local-store.ts'
import { StoreAway } from '../../src/pipeline/patience.ts'
import type { RecorderStatus } from '../../src/pipeline/recorder-status.ts'
import type { Exchange } from '../../src/records/exchange.ts'
import { openLocalStore } from '../../src/stores/sqlite/local.ts'
import { closeOf, headOf, openOf, temporaryDir } from '../journal/support.ts'
import { HookedLocalStore } from '../support/hooked-local-store.ts'
import { MemoryLocalStore } from '../support/memory-local-store.ts'
import { collecting, drain, journalIn, recorderOn, textOf, written } from './support.ts'

/** Interleaved calls, a few at a time, some of them long and some never ended. */
const scripts = fc.array(fc.tuple(fc.nat({ max: 5 }), fc.constantFrom('piece', 'piece', 'piece', 'close', 'pause')), {
  minLength: 20,
  maxLength: 120,
})

const stores: [name: string, runs: number, open: (dir: string) => LocalStore][] = [
  ['a store in memory', 60, () => new MemoryLocalStore()],
  ['the embedded database', 10, (dir) => openLocalStore(join(dir, 'records.sqlite'))],
]

it.each(stores)('counts every call once in %s, whatever moment the recorder dies at', async (_name, numRuns, open) => {
  await fc.assert(
    fc.asyncProperty(
      scripts,
      fc.array(fc.tuple(fc.nat({ max: 6 }), fc.boolean()), { maxLength: 8 }),
      async (script, crashes) => {
        const dir = temporaryDir()
        const store = new HookedLocalStore(open(dir))
        const { exchanges, toRecord } = collecting()
        const journal = journalIn(dir, 3000)
        const calls = new Calls(journal)
        const left = [...crashes]
        const start = (liveEpochs: readonly string[]) => {
          const published = ({ accepted, stored, pending, failed }: RecorderStatus) =>
            expect(accepted).toBe(stored + pending + failed)
          const options = { liveEpochs, toRecord, published, chunkBytes: 1500, batchRecords: 3 }
          const recorder = recorderOn(dir, store, options)
          const crash = left.shift()
          store.before = store.after = () => {}
          if (!crash) return recorder
          let [commits] = crash
          store[crash[1] ? 'after' : 'before'] = () => {
            if (commits-- > 0) return
            recorder.stop()
            throw new Error('the process died')
          }
          return recorder
        }
        let recorder = start([journal.epoch])
        for (const [call, what] of script) {
          if (what === 'pause') {
            await written()
            if (await dies(drain(recorder))) recorder = start([journal.epoch])
          } else calls[what](call)
        }
        await written()
        do recorder = start([])
        while (await dies(drain(recorder)))

        expect(store.repeated).toEqual([])
        expect([...store.ids].sort()).toEqual([...calls.texts.keys()].sort())
        expect(store.counters().telemetry).toBe(store.ids.size)
        for (const [id, text] of calls.texts) {
          const exchange = exchanges.get(id) as Exchange
          expect(textOf(exchange, 'response')).toBe(text)
          expect(exchange.response.whole).toBe(true)
          expect(exchange.close === null).toBe(!calls.closed.has(id))
        }
        expect([store.carried(journal.epoch), store.journalState().applied]).toEqual([[], []])
        store.close()
      },
    ),
    { numRuns },
  )
})

it('recovers every call whose end was announced before kill -9, whole, and the open ones as interrupted', async () => {
  for (const killAfter of [1, 40, 333]) {
    const dir = temporaryDir()
    const announced = await killedAfter(dir, killAfter)
    expect(announced.size).toBeGreaterThanOrEqual(killAfter)
    const store = new MemoryLocalStore()
    const { exchanges, toRecord } = collecting()
    await drain(recorderOn(dir, store, { toRecord }))
    expect(store.repeated).toEqual([])
    for (const [id, size] of announced) {
      const exchange = exchanges.get(id)
      expect(exchange?.close, id).toBeTruthy()
      expect(exchange!.response).toMatchObject({ size, whole: true })
    }
    for (const [id, { close, response }] of exchanges) {
      if (!announced.has(id) && !close) expect(response.whole, id).toBe(true)
    }
    expect(exchanges.size).toBeGreaterThan(announced.size)
  }
})

class Calls {
  readonly texts = new Map<string, string>()
  readonly closed = new Set<string>()
  #journal: Journal
  #open = new Map<number, { id: string; exchange: number }>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  piece(call: number) {
    const { id, exchange } = this.#open.get(call) ?? this.#begin(call)
    const text = this.texts.get(id)!
    const more = `${call} says ${text.length}. `
    this.#journal.data(exchange, 'response', text.length, 1, Buffer.from(more))
    this.texts.set(id, text + more)
  }

  close(call: number) {
    const { id, exchange } = this.#open.get(call) ?? this.#begin(call)
    this.#journal.close(exchange, closeOf(0, this.texts.get(id)!.length), () => {})
    this.#open.delete(call)
    this.closed.add(id)
  }

  #begin(call: number) {
    const id = newId(Date.now())
    const begun = { id, exchange: this.#journal.open(openOf(id), () => {}) }
    this.#journal.head(begun.exchange, headOf())
    this.#open.set(call, begun)
    this.texts.set(id, '')
    return begun
  }
}

async function dies(work: Promise<void>): Promise<boolean> {
  try {
    await work
    return false
  } catch (error) {
    if (error instanceof StoreAway) return true
    throw error
  }
}

/** Lets a process make calls until it has announced so many ends, kills it, and says which it announced, with their sizes. */
async function killedAfter(dir: string, ends: number): Promise<Map<string, number>> {
  const child: ChildProcess = spawn(process.execPath, [new URL('calling-process.ts', import.meta.url).pathname, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const announced = new Map<string, number>()
  for await (const line of createInterface({ input: child.stdout! })) {
    const [id, size] = line.split(' ')
    announced.set(id!, Number(size))
    if (announced.size === ends) child.kill('SIGKILL')
  }
  return announced
}

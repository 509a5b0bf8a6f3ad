import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { vi } from 'vitest'
import type { Journal } from '../../src/journal/journal.ts'
import { EpochReader, type PlacedFrame } from '../../src/journal/reader.ts'
import { listSegments, segmentHeaderBytes, segmentPath, segmentSize } from '../../src/journal/segments.ts'
import { type JournalOptions, openJournal } from '../../src/journal/writer.ts'
import { LiveSync } from '../../src/pipeline/live-sync.ts'
import { seeded } from '../faults/seeded.ts'
import { EpochModel, type Given, keyOfPlaced } from './model.ts'
import { type Fault, PowerDisk } from './power-disk.ts'
import { closeOf, headOf, openOf } from './samples.ts'

/** Files in memory where there are such: what a disk forgets is the model's business, not the machine's. */
const fastDir = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export type Action =
  | { do: 'open' | 'head' | 'close'; slot: number }
  | { do: 'data'; slot: number; bytes: number }
  | { do: 'turn' | 'sync' | 'crash' | 'power' }
  | { do: 'wait'; ms: number }
  | { do: 'fault'; fault: Fault }
  | { do: 'flip'; file: number; at: number }

interface OpenCall {
  exchange: number
  id: string
  sent: number
  headed: boolean
}

/** A journal on a disk that may fail in every way, one process after the other, with a model of what it promised. */
export class JournalUnderTest {
  readonly base = mkdtempSync(join(fastDir, 'sightglass-model-'))
  readonly dir = join(this.base, 'journal')
  readonly disk: PowerDisk
  /** By epoch, in the order they were begun. */
  readonly models = new Map<string, EpochModel>()
  journal!: Journal
  /** What was sent of every answer, by the id of its call. */
  readonly texts = new Map<string, string>()
  readonly #options: Partial<JournalOptions>
  readonly #clock = { nowMs: 0, wall: () => 1_790_000_000_000 + this.#clock.nowMs, mono: () => this.#clock.nowMs }
  #sync!: LiveSync
  #calls = new Map<number, OpenCall>()
  #flippedHeaders = new Set<string>()
  #life = 0
  #named = 0
  #ids = new Map<Given, string>()

  constructor(seed: number, options: Partial<JournalOptions>) {
    this.#options = options
    this.disk = new PowerDisk(seeded(seed))
    this.disk.slow = () => {
      this.#clock.nowMs += 60
    }
    this.#begin()
  }

  async act(action: Action) {
    switch (action.do) {
      case 'turn':
        for (let count = 0; count < 4; count++) await turn()
        return
      case 'wait':
        for (let passed = 0; passed < action.ms; passed += 50) {
          this.#clock.nowMs += 50
          vi.advanceTimersByTime(50)
          await turn()
        }
        return
      case 'fault':
        this.disk.fault = action.fault
        if (action.fault !== 'hang') this.disk.release()
        return
      case 'sync':
        return this.sync()
      case 'crash':
        return this.#restart(() => this.disk.crash())
      case 'power':
        return this.#restart(() => {
          this.disk.losePower()
          for (const model of this.models.values()) model.powerLost()
        })
      case 'flip':
        return this.#restart(() => {
          this.disk.crash()
          this.#flip(action.file, action.at)
        })
      default:
        this.#call(action)
    }
  }

  sync() {
    const failed = this.#sync.failed
    this.#sync.sync([this.journal.epoch])
    const model = this.models.get(this.journal.epoch)!
    if (this.#sync.failed === failed) model.synced()
    else model.doubted()
  }

  /** What is wrong now, in all epochs that are there. */
  faults(): string[] {
    return [...this.models].flatMap(([epoch, model]) => {
      const found = this.read(epoch).map(keyOfPlaced)
      return model
        .faults(found, this.disk.cameBack.has(join(this.dir, epoch)))
        .map((fault) => `${[...this.models.keys()].indexOf(epoch)}: ${fault}`)
    })
  }

  /** The calls whose OPEN must still be known, whether their end must be too, and whether every byte of their answer must. */
  promisedCalls(): { id: string; closed: boolean; whole: boolean }[] {
    return [...this.models.values()].flatMap((model) =>
      model.given
        .filter((given) => given.type === 'open' && model.holds(given))
        .map((open) => {
          const own = model.given.filter(({ exchange }) => exchange === open.exchange)
          const closed = own.some((given) => given.type === 'close' && model.holds(given))
          return { id: this.#ids.get(open)!, closed, whole: closed && own.every((given) => model.holds(given)) }
        }),
    )
  }

  /** Every frame that a new reader finds in an epoch. */
  read(epoch: string): PlacedFrame[] {
    const live = epoch === this.journal.epoch
    const reader = new EpochReader({ dir: this.dir, epoch, chunkBytes: 700 })
    const found: PlacedFrame[] = []
    for (;;) {
      const { frames, ended } = reader.read(live)
      for (const { frame, place } of frames) {
        found.push({ frame: { ...frame, payload: Buffer.from(frame.payload) }, place })
      }
      if (ended || (live && frames.length === 0)) break
    }
    reader.close()
    return found
  }

  end() {
    this.disk.crash()
    vi.clearAllTimers()
    rmSync(this.base, { recursive: true, force: true })
  }

  #begin() {
    this.#life++
    this.journal = openJournal({
      dir: this.dir,
      clock: this.#clock,
      segmentBytes: 2500,
      files: this.disk.session(),
      problem: (event) => {
        if (event === 'journal sync failed') this.models.get(this.journal.epoch)!.doubted()
      },
      ...this.#options,
    })
    this.models.set(this.journal.epoch, new EpochModel())
    this.#sync = new LiveSync(this.dir, () => {}, this.disk)
  }

  #restart(accident: () => void) {
    accident()
    vi.clearAllTimers()
    this.disk.fault = 'none'
    this.#calls.clear()
    this.#begin()
  }

  #call(action: Extract<Action, { slot: number }>) {
    const known = this.#calls.get(action.slot)
    if (action.do === 'open' || !known) return this.#open(action.slot)
    const { journal } = this
    const model = this.models.get(journal.epoch)!
    if (action.do === 'head') {
      if (known.headed) return
      known.headed = true
      model.give('head', known.exchange, 0, JSON.stringify(headOf()))
      journal.head(known.exchange, headOf())
    } else if (action.do === 'data') {
      const text = `${known.id} ${known.sent} `.padEnd(action.bytes, '.').slice(0, action.bytes)
      model.give('data', known.exchange, known.sent, text)
      this.texts.set(known.id, this.texts.get(known.id)! + text)
      journal.data(known.exchange, 'response', known.sent, 1, Buffer.from(text))
      known.sent += action.bytes
    } else {
      const close = closeOf(0, known.sent)
      const given = model.give('close', known.exchange, 0, JSON.stringify(close))
      journal.close(known.exchange, close, this.#told(model, given))
      this.#calls.delete(action.slot)
    }
  }

  #open(slot: number) {
    if (this.#calls.has(slot)) return
    const id = `call-${++this.#named}`
    const model = this.models.get(this.journal.epoch)!
    const exchange = model.given.reduce((highest, given) => Math.max(highest, given.exchange), 0) + 1
    const given = model.give('open', exchange, 0, JSON.stringify(openOf(id)))
    this.texts.set(id, '')
    this.#ids.set(given, id)
    this.journal.open(openOf(id), this.#told(model, given))
    this.#calls.set(slot, { exchange, id, sent: 0, headed: false })
  }

  #told(model: EpochModel, given: Given): (safe: boolean) => void {
    const life = this.#life
    return (safe) => {
      if (!safe || life !== this.#life) return
      if (this.#options.durability === 'sync') model.durable(given)
      else model.safe(given)
    }
  }

  /** Flips one bit of a file of a dead epoch, and tells the model which frame it was in. */
  #flip(file: number, at: number) {
    const files = [...this.models.keys()].flatMap((epoch) =>
      listSegments(this.dir, epoch).map((segment) => ({ epoch, segment })),
    )
    const { epoch, segment } = files[file % files.length]!
    const path = segmentPath(this.dir, epoch, segment)
    const size = segmentSize(this.dir, epoch, segment)
    if (size === 0) return
    const bit = at % (size * 8)
    const byte = bit >> 3
    if (byte < segmentHeaderBytes) {
      if (this.#flippedHeaders.has(path)) return // both copies gone is more than one flip costs
      this.#flippedHeaders.add(path)
    }
    const touched = this.read(epoch).filter(
      ({ place }) => place.segment === segment && byte >= place.offset && byte < place.offset + place.bytes,
    )
    this.models.get(epoch)!.damaged(touched.map(keyOfPlaced))
    this.disk.flip(path, bit)
  }
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { shownPurge } from '../api/purge-answer.ts'
import { openCsvFallback } from '../exporters/csv/index.ts'
import { systemClock } from '../lib/clock.ts'
import { csvDirectory, type Settings } from '../settings/settings.ts'
import { openMongoPurges } from '../stores/purge-sink.ts'
import { StoreUnusable } from '../stores/sqlite/database.ts'
import { type EmbeddedStore, openLocalStore } from '../stores/sqlite/local.ts'
import { DirectoryLocked, lockDirectory } from '../stores/sqlite/lock.ts'
import { openOutbox } from '../stores/sqlite/outbox.ts'
import { csvPart } from '../stores/sqlite/purge-rows.ts'
import { openStore } from '../stores/sqlite/query.ts'
import type { Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import { mongoTarget } from './mongo-target.ts'
import type { PurgePlace } from './purge-place.ts'
import { bytesText, oneLine } from './text.ts'

/** Carries out purges in a data directory whose proxy does not run. */
export function directoryPurges(settings: Settings, io: Io): PurgePlace {
  const { dataDir } = settings
  const path = join(dataDir, 'sightglass.sqlite')
  if (!existsSync(path)) throw new CommandFailure(`${path} does not exist: there are no records to delete`)
  const lock = locked(dataDir)
  try {
    return openedPurges(path, settings, io, () => lock.release())
  } catch (error) {
    lock.release()
    if (error instanceof StoreUnusable) throw new CommandFailure(error.message, { cause: error })
    throw error
  }
}

function locked(dataDir: string) {
  try {
    return lockDirectory(dataDir)
  } catch (error) {
    if (!(error instanceof DirectoryLocked)) throw error
    throw new CommandFailure(
      `a proxy works in ${dataDir}, and listens on another address: name it with --url, or stop it`,
      { cause: error },
    )
  }
}

function openedPurges(path: string, settings: Settings, io: Io, release: () => void): PurgePlace {
  const store = openLocalStore(path, { sinks: settings.mongoUri === null ? [] : ['mongodb'] })
  const outbox = openOutbox({ path, sinks: [], clock: systemClock })
  const reader = openStore(path)
  const files = openCsvFallback({
    directory: csvDirectory(settings),
    kept: outbox.kept('csv_fallback'),
    past: outbox.kept('csv_fallback_past'),
  })
  const target = mongoTarget(settings, io)
  const mongo = target && openMongoPurges({ path, ...target })
  const messages: Record<string, string | null> = {
    mongodb: mongo === null ? 'the settings name no MongoDB any more' : null,
    csv: null,
  }

  let isFreed = false

  const csvStep = async (): Promise<boolean> => {
    const purge = outbox.nextPurge(csvPart)
    if (purge === null) return false
    outbox.settlePurge(csvPart, purge, await files.purge(purge), true)
    return true
  }
  const mongoStep = async (): Promise<boolean> => (await mongo?.step(AbortSignal.timeout(mongoMs))) ?? false

  /** Why a part took nothing is what it waits for. */
  const tried = async (name: string, step: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await step()
    } catch (error) {
      messages[name] = oneLine(error instanceof Error ? error.message : String(error))
      await turn()
      return false
    }
  }

  const report = async (number: number) => {
    const found = await reader.purge(number)
    return found === null ? null : shownPurge(found, messages)
  }

  return {
    async ask({ user = null, project = null, before, dry_run: dry = false }) {
      const beforeMs = before === undefined ? null : Number(before)
      const wish = { user, project: project?.toLowerCase() ?? null, beforeMs, dry }
      const { number } = store.purges.ask(wish, systemClock.wall())
      isFreed ||= !dry
      const found = await report(number)
      if (found === null) throw new CommandFailure(`${path} did not keep the purge`)
      return found
    },
    async look(number) {
      const untilMs = performance.now() + lookMs
      for (let isBusy = true; isBusy && performance.now() < untilMs; ) {
        isBusy =
          store.purges.step(systemClock.wall()) !== 'idle' ||
          (await tried('csv', csvStep)) ||
          (messages.mongodb === null && (await tried('mongodb', mongoStep)))
      }
      return report(number)
    },
    heldMs: 0, // tried once
    async close() {
      store.purges.forget(0, systemClock.wall() + 1) // dry ones are of no use to anybody else
      if (isFreed) giveBack(store, io)
      await mongo?.close()
      await reader.close()
      outbox.close()
      store.close()
      release()
    },
  }
}

/** The file gets smaller by what was deleted. */
function giveBack({ space, checkpoint }: EmbeddedStore, io: Io): void {
  let toldMs = performance.now()
  while (space.giveBack(true)) {
    if (performance.now() - toldMs < tellMs) continue
    toldMs = performance.now()
    const { usedBytes, fileBytes } = space.size()
    io.note(`Making the file smaller: ${bytesText(fileBytes - usedBytes)} to go\n`)
  }
  checkpoint()
}

const lookMs = 200
const tellMs = 1_000
const mongoMs = 20_000

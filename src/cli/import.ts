import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { type CsvItem, NotTelemetry, type Refusal, readCsv } from '../exporters/csv/index.ts'
import type { StoredRecord } from '../records/stored.ts'
import { type Import, openImport } from '../stores/sqlite/import.ts'
import { DirectoryLocked } from '../stores/sqlite/lock.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import { placeOptions } from './options.ts'
import { readSettings } from './settings.ts'
import { countText, oneLine } from './text.ts'

export const importCsv: Command = {
  details: `Reads files telemetry_YYYY-MM-DD.csv of this program, or of one that writes the same columns. A call whose request_id is stored already is left as it is, so the same file may be given again. The proxy must not be running; where the settings name a MongoDB, the calls go there when it is started. Ends with 1 when lines were refused.
Example:
  sightglass import data/telemetry_logs/*.csv`,
  options: { 'data-dir': placeOptions['data-dir']!, config: placeOptions.config! },
  async run(given, io) {
    const { settings } = await readSettings(given, io)
    const target = opened(settings.dataDir)
    try {
      let refused = 0
      for (const file of given.operands) refused += await importFile(file, target, io)
      return refused > 0 ? 1 : 0
    } finally {
      target.close()
    }
  },
}

function opened(dataDir: string): Import {
  try {
    return openImport(dataDir)
  } catch (error) {
    if (error instanceof DirectoryLocked)
      throw new CommandFailure(`${dataDir} is in use by a running Sightglass: stop it for the import`, { cause: error })
    throw new CommandFailure(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Resolves to the number of refused lines. */
async function importFile(file: string, target: Import, io: Io): Promise<number> {
  const refusals: Refusal[] = []
  const counts = { call: 0, left: 0, refused: 0 }
  let fresh = 0
  let batch: StoredRecord[] = []
  const flush = () => {
    fresh += target.add(batch)
    batch = []
  }
  for await (const item of itemsOf(resolve(io.cwd, file), file, target.instance)) {
    counts[item.kind]++
    if (item.kind === 'refused' && refusals.length < mostShown) refusals.push(item.refusal)
    if (item.kind !== 'call') continue
    batch.push(item.record)
    if (batch.length >= batchRecords) flush()
    if (counts.call % progressRecords === 0) io.note(`${file}: ${countText(counts.call)} calls read\n`)
  }
  flush()
  io.out(
    `${file}: ${countText(fresh)} imported, ${countText(counts.call - fresh)} stored before, ` +
      `${countText(counts.left)} other rows left out, ${countText(counts.refused)} refused\n`,
  )
  for (const { line, column, value, reason } of refusals) {
    const what = [column, value && JSON.stringify(oneLine(value))].filter(Boolean).join(' = ')
    io.out(`  line ${line}: ${what ? `${what}: ` : ''}${reason}\n`)
  }
  if (counts.refused > refusals.length) io.out(`  and ${countText(counts.refused - refusals.length)} more\n`)
  return counts.refused
}

async function* itemsOf(path: string, file: string, instance: string): AsyncGenerator<CsvItem> {
  try {
    yield* readCsv(createReadStream(path), instance)
  } catch (error) {
    if (error instanceof NotTelemetry)
      throw new CommandFailure(`${file} is no telemetry file: ${error.message}`, { cause: error })
    if (error instanceof Error && 'syscall' in error)
      throw new CommandFailure(`${file} cannot be read: ${error.message}`, { cause: error })
    throw error
  }
}

const batchRecords = 500
const progressRecords = 10_000
const mostShown = 100

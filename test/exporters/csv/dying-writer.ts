import { join } from 'node:path'
import { openCsvFallback } from '../../../src/exporters/csv/index.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { openOutbox } from '../../../src/stores/sqlite/outbox.ts'

/** A process that appends what waits in a database to CSV files, to be killed in the middle of it. */
const [home = ''] = process.argv.slice(2)
const outbox = openOutbox({
  path: join(home, 'sightglass.sqlite'),
  sinks: [{ name: 'mongodb', target: 'away' }],
  clock: systemClock,
})
const fallback = openCsvFallback({
  directory: join(home, 'csv'),
  kept: outbox.kept('csv_fallback'),
  past: outbox.kept('csv_fallback_past'),
})
process.stdout.write('begun\n')
for (;;) {
  const batch = outbox.behind('mongodb', fallback.place(), 20)
  if (batch.length === 0) break
  fallback.append(batch)
}
outbox.close()

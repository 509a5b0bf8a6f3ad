import { startGenerator } from './client/generator.ts'
import { loads } from './loads/index.ts'
import type { Load } from './loads/load.ts'
import { whyNot } from './machine.ts'
import { measure } from './measure.ts'
import { ratio } from './report.ts'
import { barePipe } from './subjects/bare-pipe.ts'
import { sightglass } from './subjects/sightglass.ts'
import { startUpstreams } from './upstreams/index.ts'

/**
 * Whether the proxy is still about as fast as it was, as a share of what Node and undici alone do on the same core at the same
 * time. A minute; no absolute figure counts, so that any machine can say it.
 *
 *     npm run bench:smoke
 */
const expected: Readonly<Record<string, number>> = {
  // of docs/performance.md
  'json-64': 0.52,
  burst: 0.45,
}
/** A quarter less is no noise any more. */
const least = 0.75
const rounds = 4
const seconds = 2

const reason = whyNot()
if (reason !== null) {
  console.log(`skipped: ${reason}`)
  process.exit(process.env.CI === 'true' ? 1 : 0)
}

const upstreams = await startUpstreams()
const generator = startGenerator()
const failures: string[] = []
try {
  for (const [name, share] of Object.entries(expected)) {
    const load: Load = { ...loads.find((one) => one.name === name)!, seconds }
    const rows = await measure(load, [sightglass, barePipe], upstreams, generator, rounds, () => {})
    const found = ratio(rows, sightglass.name, barePipe.name)
    const [ours, theirs] = rows.map(({ callsPerSecond }) => Math.round(callsPerSecond))
    console.log(
      `${name}: ${ours} calls/s, a bare pipe ${theirs}: ${found?.toFixed(2) ?? 'no ratio'} of it; expected ${share}, at least ${(share * least).toFixed(2)}`,
    )
    for (const { subject, failed, calls, firstFailure } of rows)
      if (failed > 0) failures.push(`${name}: ${subject} failed ${failed} of ${calls} calls: ${firstFailure}`)
    const kept = rows.find(({ subject }) => subject === sightglass.name)?.recorded
    if (!kept || kept.stored !== kept.accepted)
      failures.push(`${name}: ${kept?.stored} of ${kept?.accepted} calls were recorded within half a minute`)
    if (found === null || found < share * least)
      failures.push(
        `${name}: ${found?.toFixed(2) ?? 'no share'} of a bare pipe is less than ${(share * least).toFixed(2)}`,
      )
  }
} finally {
  await generator.stop()
  await upstreams.stop()
}
for (const failure of failures) console.error(failure)
console.log(failures.length === 0 ? 'as fast as it was' : `${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)

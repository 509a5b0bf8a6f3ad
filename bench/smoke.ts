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
 * Whether a call still costs about what it did, against what it costs Node and undici alone on the same core at the same time:
 * processor time of the thread that serves, as the operating system counts it, which whatever else the machine does changes
 * little. A minute; no absolute figure counts, so that any machine can say it.
 *
 *     npm run bench:smoke
 */
const expected: Readonly<Record<string, number>> = {
  // the bare pipe's share of our time
  'json-64': 0.65,
  burst: 0.46,
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
    let wrong = await attempt(name, share)
    // one bad minute of the machine is no verdict
    if (wrong.length > 0) wrong = await attempt(name, share)
    failures.push(...wrong)
  }
} finally {
  await generator.stop()
  await upstreams.stop()
}
for (const failure of failures) console.error(failure)
console.log(failures.length === 0 ? 'as fast as it was' : `${failures.length} failed`)
process.exit(failures.length === 0 ? 0 : 1)

/** What is wrong under this load. */
async function attempt(name: string, share: number): Promise<string[]> {
  const load: Load = { ...loads.find((one) => one.name === name)!, seconds }
  const rows = await measure(load, [sightglass, barePipe], upstreams, generator, rounds, () => {})
  const [ours, theirs] = rows.map(({ servingCpuUs }) => servingCpuUs ?? Number.NaN) as [number, number]
  const found = theirs / ours
  console.log(
    `${name}: ${ours.toFixed(1)} µs a call, a bare pipe ${theirs.toFixed(1)}: a share of ${found.toFixed(2)}; expected ${share}, at least ${(share * least).toFixed(2)} ` +
      `(calls/s: ${ratio(rows, sightglass.name, barePipe.name)?.toFixed(2) ?? 'no share'} of its)`,
  )
  const wrong = rows
    .filter(({ failed }) => failed > 0)
    .map(
      ({ subject, failed, calls, firstFailure }) => `${name}: ${subject} failed ${failed} of ${calls}: ${firstFailure}`,
    )
  const kept = rows.find(({ subject }) => subject === sightglass.name)?.recorded
  if (!kept || kept.stored !== kept.accepted)
    wrong.push(`${name}: ${kept?.stored} of ${kept?.accepted} calls were recorded within half a minute`)
  if (!(found >= share * least))
    wrong.push(
      `${name}: a bare pipe takes ${found.toFixed(2)} of our time, which is less than ${(share * least).toFixed(2)}`,
    )
  return wrong
}

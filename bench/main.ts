import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startGenerator } from './client/generator.ts'
import { loads } from './loads/index.ts'
import { cores, machine, pinned, whyNot } from './machine.ts'
import { type Measured, measure } from './measure.ts'
import { programs } from './programs.ts'
import { ratio, tableMarkdown, tableText } from './report.ts'
import { subjects } from './subjects/index.ts'
import { startUpstreams } from './upstreams/index.ts'

/**
 * Sightglass against the direct way, a bare pipe and its peers, everything recorded.
 *
 *     npm run bench                    the core loads, in less than ten minutes
 *     npm run bench -- --full          all loads
 *     npm run bench -- --all           also the subjects that take minutes to install
 *     npm run bench -- --load json-64 --subject sightglass --subject nginx --rounds 3
 */
const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    load: { type: 'string', multiple: true },
    subject: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '5' },
  },
})

const reason = whyNot()
if (reason !== null) {
  console.log(`skipped: ${reason}`)
  process.exit(process.env.CI === 'true' ? 1 : 0)
}
const isChosen = ({ name, core }: { name: string; core: boolean }): boolean =>
  values.load ? values.load.includes(name) : core || values.full
const [chosen, chosenPrograms] = [loads.filter(isChosen), programs.filter(isChosen)]
const able = subjects.filter(({ name, onlyWithAll, unavailable }) => {
  if (values.subject ? !values.subject.includes(name) : onlyWithAll && !values.all) return false
  const why = unavailable()
  if (why !== null) console.log(`left out: ${name} (${why})`)
  return why === null
})
if (chosen.length + chosenPrograms.length === 0 || able.length === 0) {
  console.error(
    `loads: ${[...loads, ...programs].map(({ name }) => name).join(', ')}\nsubjects: ${subjects.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const all: Measured[] = []
const lines: Record<string, string> = {}
const startedAt = new Date().toISOString()
const upstreams = await startUpstreams()
const generator = startGenerator()
try {
  for (const load of chosen) {
    const rows = await measure(
      load,
      able.filter(({ name }) => !load.without?.includes(name)),
      upstreams,
      generator,
      Number(values.rounds),
      (line) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K${line}`),
    )
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
    all.push(...rows)
    console.log(`\n${load.name}: ${load.about}\n${tableText(rows)}`)
    for (const other of ['nginx', 'bare pipe', 'portkey']) {
      const share = ratio(rows, 'sightglass', other)
      if (share !== null) console.log(`  sightglass / ${other}: ${share.toFixed(2)}`)
    }
    for (const { subject, firstFailure } of rows) if (firstFailure) console.log(`  ${subject} fails: ${firstFailure}`)
    write()
  }
} finally {
  await generator.stop()
  await upstreams.stop()
}
for (const { name, about, script, words } of chosenPrograms) {
  const program = pinned(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, script), ...words],
    {
      core: cores.subject,
      env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' },
    },
  )
  const [code] = await once(program.child, 'close')
  lines[name] = program.output().trim()
  console.log(`\n${name}: ${about}\n${lines[name]}`)
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
  write()
}
const ours = all.filter(({ subject }) => subject.startsWith('sightglass'))
const wrong = ours.filter(({ failed, recorded }) => failed > 0 || (recorded && recorded.stored !== recorded.accepted))
for (const { subject, load, failed, recorded } of wrong)
  console.error(
    `${subject} under ${load}: ${failed} calls failed, recorded ${recorded?.stored} of ${recorded?.accepted}`,
  )
process.exit(wrong.length > 0 ? 1 : 0)

/** After each load, so that a run that is ended leaves what it has. */
function write(): void {
  const directory = join(import.meta.dirname, 'results')
  mkdirSync(directory, { recursive: true })
  const name = startedAt.replaceAll(/[:.]/g, '-')
  writeFileSync(
    join(directory, `${name}.json`),
    `${JSON.stringify({ startedAt, machine: machine(), results: all, programs: lines }, null, 2)}\n`,
  )
  const tables = loads
    .map(({ name, about }) => ({ name, about, rows: all.filter(({ load }) => load === name) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ name, about, rows }) => `## ${name}: ${about}\n\n${tableMarkdown(rows)}\n`)
  const texts = programs
    .filter(({ name }) => lines[name] !== undefined)
    .map(({ name, about }) => `## ${name}: ${about}\n\n\`\`\`\n${lines[name]}\n\`\`\`\n`)
  writeFileSync(join(directory, `${name}.md`), [...tables, ...texts].join('\n'))
}

import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { nearest } from '../lib/nearest.ts'
import type { Problems } from './problems.ts'
import type { ScalarSettings } from './table.ts'

/** What no single value can tell: a bind that others reach, files that cannot be read, a default that is nowhere. */
export function checkTogether(
  values: ScalarSettings,
  upstreamIds: readonly string[],
  provenance: ReadonlyMap<string, string>,
  cwd: string,
  problems: Problems,
): void {
  const from = (path: string) => provenance.get(path) ?? 'default'
  if (!isLoopback(values.host) && values.auth === null) {
    problems.value('host', values.host, from('host'), openAdvice)
  }
  if (values.caFile !== null) {
    const wrong = unreadable(resolve(cwd, values.caFile))
    if (wrong) problems.value('ca_file', values.caFile, from('ca_file'), `a PEM file that can be read (${wrong})`)
  }
  if (values.pricesFile !== null) {
    const wrong = unreadable(resolve(cwd, values.pricesFile))
    if (wrong)
      problems.value('prices_file', values.pricesFile, from('prices_file'), `a price list that can be read (${wrong})`)
  }
  if (!upstreamIds.includes(values.defaultProvider)) {
    const near = nearest(values.defaultProvider, upstreamIds)
    const wish = `a provider or upstream: ${upstreamIds.join(', ')}${near ? ` (did you mean ${near}?)` : ''}`
    problems.value('default_provider', values.defaultProvider, from('default_provider'), wish)
  }
}

const openAdvice =
  'AUTH=open (--auth open) beside an address that other machines reach: anyone there may then call, with an own provider ' +
  'key; or host 127.0.0.1'

export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/\.$/, '')
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true
  if (isIP(bare) === 6) return /^(?:0{0,4}:){1,7}0{0,3}1$/.test(bare) || bare.startsWith('::ffff:127.')
  return isIP(bare) === 4 && bare.startsWith('127.')
}

/** Null, or in a word why a file cannot be read. */
export function unreadable(path: string): string | null {
  try {
    if (!statSync(path).isFile()) return 'not a file'
    readFileSync(path)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable'
  }
}

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyedHash } from '../lib/keyed-hash.ts'
import type { Settings } from '../settings/settings.ts'

/** As the proxy names its pepper; null where none was made yet. */
export function pepperId({ pepper, dataDir }: Settings): string | null {
  const path = join(dataDir, 'pepper')
  const known = pepper ?? (existsSync(path) ? readFileSync(path, 'utf8').trim() : null)
  return known === null ? null : keyedHash(known, 'pepper')
}

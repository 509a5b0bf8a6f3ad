import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Provider } from '../src/records/provider.ts'

/** Loads every provider: each folder beside this file that holds a `provider.ts` (or `provider.js` in a build). */
export async function loadProviders(): Promise<ReadonlyMap<string, Provider>> {
  const here = import.meta.dirname
  const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
  const found = readdirSync(here, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && existsSync(join(here, entry.name, `provider${extension}`)),
  )
  const providers = await Promise.all(
    found.map(async (folder): Promise<Provider> => {
      const module: { provider: Provider } = await import(join(here, folder.name, `provider${extension}`))
      return module.provider
    }),
  )
  return new Map(
    providers.sort((one, other) => (one.id < other.id ? -1 : 1)).map((provider) => [provider.id, provider]),
  )
}

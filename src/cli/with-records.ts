import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../settings/settings.ts'
import type { Io } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { type Arguments, type Options, placeOptions } from './options.ts'
import type { Records } from './records.ts'
import { apiRecords, NobodyThere } from './records-api.ts'
import { readSettings } from './settings.ts'

export const recordOptions: Options = {
  url: { value: 'URL', about: 'Ask the proxy at this address (the one of the settings).' },
  token: {
    value: 'TOKEN',
    about: 'Admin token, or any key to see what it used (ADMIN_TOKEN, or DATA_DIR/admin-token).',
  },
  ...placeOptions,
}

/** Asks the running proxy; when none is there and no address was named, opens the store and says so. */
export async function withRecords<Answer>(
  given: Arguments,
  io: Io,
  ask: (records: Records) => Promise<Answer>,
): Promise<Answer> {
  return withProxy(given, io, {
    running: ({ url, token }) => using(apiRecords(url, token), ask),
    async direct({ settings, url }) {
      const { storeRecords } = await import('./records-store.ts')
      const path = join(settings.dataDir, 'sightglass.sqlite')
      const records = await storeRecords(path)
      if (url !== null) io.note(`Nothing listens on ${url}: reading ${path} itself.\n`)
      return using(records, ask)
    },
  })
}

/** Both ways to do something: through the running proxy, or in its data directory when none runs. */
export interface Ways<Answer> {
  /** Must throw `NobodyThere` before it has done anything when nobody is there. */
  running(place: ProxyPlace): Promise<Answer>
  /** `url`: where nobody was; null: there is no address to look at. */
  direct(place: { settings: Settings; url: string | null }): Promise<Answer>
}

export async function withProxy<Answer>(given: Arguments, io: Io, ways: Ways<Answer>): Promise<Answer> {
  const place = await proxyPlace(given, io)
  const { named, url, settings } = place
  if (named === undefined && settings.port === 0) return ways.direct({ settings, url: null })
  try {
    return await ways.running(place)
  } catch (error) {
    if (!(error instanceof NobodyThere)) throw error
    if (named !== undefined)
      throw new CommandFailure(`${error.message}: is Sightglass running there?`, { cause: error })
    if (given.text('token') !== undefined) {
      throw new CommandFailure(
        `${error.message}, and --token needs a running proxy: leave it out to read the store itself`,
      )
    }
  }
  return ways.direct({ settings, url })
}

export interface ProxyPlace {
  /** The address as it was given, if it was. */
  readonly named: string | undefined
  readonly url: string
  readonly token: string | null
  readonly settings: Settings
}

/** Where the running proxy is, and the token to ask it with. */
export async function proxyPlace(given: Arguments, io: Io): Promise<ProxyPlace> {
  const { settings } = await readSettings(given, io)
  const named = given.text('url') ?? io.env.SIGHTGLASS_URL
  return {
    named,
    url: address(named ?? `http://${reachable(settings.host)}:${settings.port}`),
    token: given.text('token') ?? settings.adminToken ?? storedToken(settings.dataDir),
    settings,
  }
}

async function using<Answer>(records: Records, ask: (records: Records) => Promise<Answer>): Promise<Answer> {
  try {
    return await ask(records)
  } finally {
    await records.close()
  }
}

function address(text: string): string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--url ${text}: wants an address such as http://127.0.0.1:8484`)
  }
  return (url.origin + url.pathname).replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** Where a bind to every address is reached from here. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function storedToken(dataDir: string): string | null {
  const path = join(dataDir, 'admin-token')
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new CommandFailure(`the admin token in ${path} cannot be read (${code}): give --token`, { cause: error })
  }
}

import { loadProviders } from '../../providers/index.ts'
import { createLog } from '../../src/lib/log.ts'
import { start } from '../../src/main.ts'
import { loadSettings } from '../../src/settings/load.ts'

/** The product with a recorder that reads nothing. */
const providers = await loadProviders()
const { settings } = loadSettings({ flags: {}, env: process.env, cwd: process.cwd(), providers: providers.values() })
const running = await start({
  settings,
  log: createLog({ level: settings.logLevel, format: settings.logFormat }),
  recorderEntry: new URL('idle-recorder.ts', import.meta.url),
})
process.on('SIGTERM', () => void running.stop({ delayMs: 0 }))

import { loadProviders } from '../../providers/index.ts'
import { type LoadedSettings, loadSettings } from '../settings/load.ts'
import type { Io } from './command.ts'
import type { Arguments } from './options.ts'

/** The settings that hold for this command. */
export async function readSettings(given: Arguments, io: Io): Promise<LoadedSettings> {
  const providers = await loadProviders()
  return loadSettings({ flags: given.settings, env: io.env, cwd: io.cwd, providers: providers.values() })
}

import { collectionDays } from '../settings/retention.ts'
import { setupCommands } from '../stores/mongodb/setup-commands.ts'
import type { Command } from './command.ts'
import { UsageError } from './failure.ts'
import { settingOptions } from './options.ts'
import { readSettings } from './settings.ts'

export const mongo: Command = {
  details: `ACTION is \`setup\`: prints the commands that give the database its collections, validators, indexes and expiry,
for collections that were there before Sightglass, and for databases whose user has no rights to do it.
The proxy does the same at its start where it may. Nothing is changed by printing.

Example:
  sightglass mongo setup | mongosh "$MONGO_URI"`,
  options: settingOptions,
  async run(given, io) {
    const [action] = given.operands
    if (action !== 'setup') throw new UsageError(`mongo ${action}: wants setup`)
    const { settings } = await readSettings(given, io)
    io.out(`db = db.getSiblingDB(${JSON.stringify(settings.mongoDatabase)})\n`)
    for (const line of setupCommands(collectionDays(settings))) io.out(`${line}\n`)
    return 0
  },
}

import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { bodiesDays, collectionDays } from '../settings/retention.ts'
import type { Settings } from '../settings/settings.ts'
import type { Io } from './command.ts'
import { pepperId } from './pepper-id.ts'

/** The MongoDB that the settings name, for a command that works there itself; null: they name none. */
export const mongoTarget = (settings: Settings, io: Pick<Io, 'note'>) =>
  settings.mongoUri === null
    ? null
    : {
        uri: settings.mongoUri,
        database: settings.mongoDatabase,
        pepperId: pepperId(settings),
        retention: collectionDays(settings),
        bodiesDays: bodiesDays(settings),
        clock: systemClock,
        log: createLog({ level: 'warn', format: 'pretty', write: (line) => io.note(line) }),
      }

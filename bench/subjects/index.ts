import { barePipe } from './bare-pipe.ts'
import { direct } from './direct.ts'
import { litellm } from './litellm.ts'
import { nginx } from './nginx.ts'
import { portkey } from './portkey.ts'
import { sightglass, sightglassMongo, sightglassPaused, sightglassWorkers } from './sightglass.ts'
import type { Subject } from './subject.ts'

/** Everything that is measured. The direct way comes first: others are compared with it. */
export const subjects: readonly Subject[] = [
  // one line each
  direct,
  sightglass,
  sightglassPaused,
  sightglassMongo,
  sightglassWorkers,
  barePipe,
  nginx,
  portkey,
  litellm,
]

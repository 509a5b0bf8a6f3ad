import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The long forms: `npm run test:kill`, `test:outage`, `test:soak`, or `KILLS=200 KILL_SEED=7 npm run test:kill`. */
const long = {
  KILLS: '1000',
  OUTAGE_SECONDS: '600',
  OUTAGE_PER_SECOND: '100',
  SOAK_SECONDS: '900',
  SOAK_PER_SECOND: '200',
}

// biome-ignore lint/style/noDefaultExport: vitest reads the default export of its configuration
export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    include: ['kill-rig', 'outage', 'soak'].map((name) => `test/faults/${name}.test.ts`),
    pool: 'forks',
    env: Object.fromEntries(Object.entries(long).map(([name, value]) => [name, process.env[name] ?? value])),
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})

import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The long form of the kills: `npm run test:kill`, or `KILLS=200 KILL_SEED=7 npm run test:kill`. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export of its configuration
export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    include: ['test/faults/kill-rig.test.ts'],
    pool: 'forks',
    env: { KILLS: process.env.KILLS ?? '1000' },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})

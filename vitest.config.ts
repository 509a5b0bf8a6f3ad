import { defineConfig } from 'vitest/config'

// biome-ignore lint/style/noDefaultExport: vitest reads the default export of its configuration
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**'],
    pool: 'forks',
    // most tests wait for something; two at a time need two cores
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})

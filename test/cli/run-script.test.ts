import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

it('keeps compiled sources beside the packages, so that the next start neither strips nor compiles again', () => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts', 'run.mjs'), '-p', 'require("node:module").getCompileCacheDir()'],
    { encoding: 'utf8', env },
  )
  expect(stdout, stderr).toContain(join(root, 'node_modules', '.cache', 'compiled'))
})

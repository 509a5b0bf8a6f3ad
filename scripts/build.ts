import { spawnSync } from 'node:child_process'
import { cpSync, globSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * Makes `dist/` (or the folder that is named), which the package and the image run: type stripping does not work below
 * `node_modules`.
 */
const root = join(import.meta.dirname, '..')
const dist = resolve(root, process.argv[2] ?? 'dist')

rmSync(dist, { recursive: true, force: true })
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [compiler, '--project', 'tsconfig.build.json', '--outDir', dist], {
  cwd: root,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
for (const data of globSync('{src,providers}/**/*.json', { cwd: root, exclude: ['**/samples/**'] }))
  cpSync(join(root, data), join(dist, data))

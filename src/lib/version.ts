import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The version of the nearest package.json above this file: the same in a checkout, in `dist/` and in the image. */
export const version: string = versionAbove(import.meta.dirname)

function versionAbove(directory: string): string {
  try {
    const text = readFileSync(join(directory, 'package.json'), 'utf8')
    const { version } = JSON.parse(text) as { version?: unknown }
    if (typeof version === 'string') return version
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
  const above = dirname(directory)
  if (above === directory) throw new Error('no package.json with a version above this file')
  return versionAbove(above)
}

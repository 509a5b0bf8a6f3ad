import { relative } from 'node:path'
import { version } from '../lib/version.ts'
import type { RunningProxy } from '../main.ts'
import type { Settings } from '../settings/settings.ts'
import { isLoopback } from '../settings/together.ts'
import { program } from './program.ts'

export interface Welcome {
  readonly url: string
  readonly settings: Settings
  readonly running: Pick<RunningProxy, 'adminToken' | 'adminTokenMade' | 'adminTokenPath'>
  readonly onTerminal: boolean
}

/** What a person needs right after the start: how to point a client at it, and where to look afterwards. */
export function welcomeText({ url, settings, running, onTerminal }: Welcome): string {
  const here = (path: string) => {
    const near = relative(process.cwd(), path)
    return near === '' || near.startsWith('..') ? path : near
  }
  const tokenPlace = settings.adminToken === null ? here(running.adminTokenPath) : 'as set'
  const token =
    running.adminTokenMade && onTerminal
      ? `${running.adminToken}\n${indent}(shown once; it is kept in ${tokenPlace})`
      : tokenPlace
  const open = isLoopback(settings.host)
    ? ''
    : '\n  Everyone who reaches this address may call, with an own provider key.\n'
  return `Sightglass ${version} listens on ${url}

  Point a client at it, and change nothing else:
${clientVariables(url)
  .map((line) => `    export ${line}\n`)
  .join('')}${open}
  Records      ${here(settings.dataDir)}
  Look up      ${program} usage    (also: runs, show ID)
${indent}${url}/usage    (with the admin token)
  Admin token  ${token}
  Stop         Ctrl-C

`
}

const indent = ' '.repeat('  Admin token  '.length)

/** What each client is pointed at us with. */
export const clientVariables = (url: string): string[] => [
  `OPENAI_BASE_URL=${url}/v1`,
  `ANTHROPIC_BASE_URL=${url}`,
  `OLLAMA_HOST=${url}`,
]

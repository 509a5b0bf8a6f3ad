import { createLog, type Log } from '../lib/log.ts'
import type { RunningProxy } from '../main.ts'
import type { Settings } from '../settings/settings.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import { settingOptions } from './options.ts'
import { readSettings } from './settings.ts'
import { clientVariables, welcomeText } from './welcome.ts'

export const start: Command = {
  details: `An option counts more than its environment variable, that more than the settings file.
What each setting does: docs/settings.md. What holds, and why: sightglass config`,
  options: settingOptions,
  async run(given, io) {
    const { settings, warnings } = await readSettings(given, io)
    const log = createLog({ level: settings.logLevel, format: settings.logFormat })
    for (const warning of warnings) log.warn(warning)
    const { start: startProxy } = await import('../main.ts')
    const running = await startProxy({ settings, log }).catch((error: unknown) => {
      throw startFailure(error, settings)
    })
    // signals are heard before anybody is told that they may come
    const end = stopped(running, io)
    announce(running, settings, log, io)
    return end
  },
}

/** Lines for people on a terminal; elsewhere one event with the same facts. The token itself shows on terminals only. */
function announce(running: RunningProxy, settings: Settings, log: Log, io: Io): void {
  const { host, port } = running.address
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const onTerminal = process.stdout.isTTY === true
  if (onTerminal ? settings.logFormat !== 'json' : settings.logFormat === 'pretty') {
    io.out(welcomeText({ url, settings, running, onTerminal }))
  } else {
    log.info('ready', {
      url,
      clients: clientVariables(url),
      records: settings.dataDir,
      usage: `${url}/usage`,
      adminTokenFile: settings.adminToken ? null : running.adminTokenPath,
    })
  }
}

/** A terminal's Ctrl-C reaches this process twice, by itself and through the program that started it. */
const sameSignalMs = 500

/** Resolves to the exit code once a signal stopped the proxy. The first drains (0); the next one cuts what still runs (1). */
function stopped(running: RunningProxy, io: Io): Promise<number> {
  return new Promise((resolve, reject) => {
    let firstAt: number | null = null
    let wasCut = false
    const signalled = (signal: NodeJS.Signals) => {
      if (firstAt === null) {
        firstAt = performance.now()
        if (process.stderr.isTTY) io.note('Stopping; once more to cut what still runs.\n')
        // the delay is for load balancers; a person at a terminal has none in front
        running.stop(signal === 'SIGINT' ? { delayMs: 0 } : {}).then(() => resolve(wasCut ? 1 : 0), reject)
      } else if (performance.now() - firstAt > sameSignalMs) {
        wasCut = true
        running.cut()
      }
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, signalled)
  })
}

function startFailure(error: unknown, { host, port }: Settings): unknown {
  if (!(error instanceof Error)) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return new CommandFailure(error.message, { cause: error })
  const advice: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is in use, maybe by another Sightglass: choose another with --port ${other(port)} or PORT=${other(port)}`,
    EACCES: `port ${port} may not be opened by this user: choose one from 1024 on, with --port or PORT`,
    EADDRNOTAVAIL: `${host} is no address of this machine: choose one with --host or HOST`,
    ENOTFOUND: `${host} is not known as a name of this machine: choose an address with --host or HOST`,
  }
  return new CommandFailure(advice[code ?? ''] ?? `cannot listen on ${host}, port ${port}: ${error.message}`, {
    cause: error,
  })
}

const other = (port: number) => (port < 65_535 ? port + 1 : port - 1)

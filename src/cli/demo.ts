import { resolve } from 'node:path'
import type { DemoProxy } from '../demo/main.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import { readArguments } from './options.ts'
import { program } from './program.ts'
import { usage } from './usage.ts'
import { clientVariables } from './welcome.ts'

export const demo: Command = {
  details:
    'Runs on free ports of this machine. Its records go when it ends, unless --data-dir says where to keep them.',
  options: { 'data-dir': { value: 'DIR', about: 'Keep the records of the demo there.' } },
  async run(given, io) {
    const dataDir = given.text('data-dir')
    const { MissingClients, runDemo } = await import('../demo/main.ts')
    try {
      await runDemo({
        print: (line) => io.out(`${line}\n`),
        ...(dataDir === undefined ? {} : { dataDir: resolve(io.cwd, dataDir) }),
        async whenRecorded(proxy) {
          io.out(`\nWhat the proxy knows of it:\n\n$ ${program} ${usageWords.join(' ')}\n`)
          await printUsage(proxy, io)
        },
      })
    } catch (error) {
      if (error instanceof MissingClients) throw new CommandFailure(error.message, { cause: error })
      throw error
    }
    io.out(advice(dataDir))
    return 0
  },
}

const usageWords = ['usage', '--group-by', 'project,model'] as const

/** The table of the command that is printed above it, asked of this proxy. */
export async function printUsage({ url, adminToken, dataDir }: DemoProxy, io: Io): Promise<void> {
  const words = [...usageWords.slice(1), '--url', url, '--token', adminToken]
  // not the settings around the demo: they are for the real thing
  await usage.run(readArguments(words, usage.options, []), { ...io, env: {}, cwd: dataDir })
}

const advice = (dataDir: string | undefined): string => `
${
  dataDir === undefined
    ? `These records went with the demo. To keep them and look around: ${program} demo --data-dir demo-data`
    : `Look around in these records:
  ${program} runs --data-dir ${dataDir}
  ${program} usage --data-dir ${dataDir}`
}

For your own calls, start the proxy and point a client at it:
  ${program.startsWith('npm') ? 'npm start' : `${program} start`}
${clientVariables('http://127.0.0.1:8484')
  .map((variable) => `  export ${variable}\n`)
  .join('')}`

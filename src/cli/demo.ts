import { resolve } from 'node:path'
import type { Command } from './command.ts'

export const demo: Command = {
  details:
    'Runs on free ports of this machine. Its records go when it ends, unless --data-dir says where to keep them.',
  options: { 'data-dir': { value: 'DIR', about: 'Keep the records of the demo there.' } },
  async run(given, io) {
    const dataDir = given.text('data-dir')
    const { runDemo } = await import('../demo/main.ts')
    await runDemo({
      print: (line) => io.out(`${line}\n`),
      width: io.width,
      ...(dataDir === undefined ? {} : { dataDir: resolve(io.cwd, dataDir) }),
    })
    return 0
  },
}

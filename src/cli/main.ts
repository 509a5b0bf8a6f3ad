#!/usr/bin/env node
// An older Node reads no further than this file: everything else is loaded once its version is known.
const neededNode = 24

if (Number.parseInt(process.versions.node, 10) < neededNode) {
  process.stderr.write(`sightglass needs Node ${neededNode} or newer, and this is ${process.versions.node}\n`)
  process.exitCode = 1
} else {
  // `sightglass runs | head` closes our output early, and that is fine
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const ask = async (question: string): Promise<string> => {
    const { createInterface } = await import('node:readline/promises')
    const asking = createInterface({ input: process.stdin, output: process.stderr })
    const closed = new Promise<string>((resolve) => asking.once('close', () => resolve('')))
    try {
      return await Promise.race([asking.question(question), closed])
    } finally {
      asking.close()
    }
  }
  const { runCommandLine } = await import('./command-line.ts')
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    env: process.env,
    cwd: process.cwd(),
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
    width: process.stdout.isTTY ? (process.stdout.columns ?? 80) : Number(process.env.COLUMNS) || Infinity,
  })
}

export {}

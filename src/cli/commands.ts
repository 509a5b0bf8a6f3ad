import type { CommandEntry } from './command.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'start',
    operands: [],
    summary: 'Runs the proxy until it is stopped (Ctrl-C, SIGTERM).',
    load: async () => (await import('./start.ts')).start,
  },
  {
    name: 'usage',
    operands: [],
    summary: 'Tokens, cost and speed, summed up by project, key, user, model, provider, outcome, hour or day.',
    load: async () => (await import('./usage.ts')).usage,
  },
  {
    name: 'runs',
    operands: [],
    summary: 'The latest calls, newest first.',
    load: async () => (await import('./runs.ts')).runs,
  },
  {
    name: 'show',
    operands: ['ID'],
    summary: 'One call in full: who, when, what was said, timings, tokens, cost.',
    load: async () => (await import('./show.ts')).show,
  },
  {
    name: 'replay',
    operands: ['ID'],
    summary: 'Sends the same bytes again, to another upstream, and compares the answers.',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    name: 'verify',
    operands: ['[ID]'],
    summary: 'Reads the kept bytes of calls again and compares what they say with the records.',
    load: async () => (await import('./verify.ts')).verify,
  },
  {
    name: 'prices',
    operands: ['MODEL'],
    summary: 'Shows what a model costs, by which entry of the price lists, and when.',
    load: async () => (await import('./prices.ts')).prices,
  },
  {
    name: 'reprice',
    operands: [],
    summary: 'Makes the cost of past calls again, by the present prices.',
    load: async () => (await import('./reprice.ts')).repriceCommand,
  },
  {
    name: 'purge',
    operands: [],
    summary: 'Deletes calls of a user, of a project or of before a date, wherever they are.',
    load: async () => (await import('./purge.ts')).purge,
  },
  {
    name: 'import',
    operands: ['FILE...'],
    summary: 'Reads CSV files of calls, such as the fallback writes, into the records.',
    load: async () => (await import('./import.ts')).importCsv,
  },
  {
    name: 'config',
    operands: [],
    summary: 'The settings that hold, and where each came from.',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'mongo',
    operands: ['ACTION'],
    summary: 'With `setup`: the commands that bring a MongoDB in line, for mongosh.',
    load: async () => (await import('./mongo.ts')).mongo,
  },
  {
    name: 'migrate',
    operands: [],
    summary: 'Sends the records of the embedded database to MongoDB, with --from sqlite --to mongodb.',
    load: async () => (await import('./migrate.ts')).migrate,
  },
  {
    name: 'demo',
    operands: [],
    summary: 'Shows it all without any API key: a scripted provider, calls of three projects, the usage that resulted.',
    load: async () => (await import('./demo.ts')).demo,
  },
]

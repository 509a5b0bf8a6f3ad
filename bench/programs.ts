/** Measurements that need no load from outside: programs of their own, run on the subject's core, that print what they found. */
export interface Program {
  readonly name: string
  readonly about: string
  /** In the usual run; others need `--full`. */
  readonly core: boolean
  /** A file beside this one. */
  readonly script: string
  readonly words: readonly string[]
}

export const programs: readonly Program[] = [
  { name: 'start-up', about: 'start to first proxied byte', core: true, script: 'start-up.ts', words: [] },
  { name: 'recorder', about: 'journal to database', core: true, script: 'recorder.ts', words: [] },
  {
    name: 'journal',
    about: 'what the journal costs the thread that serves',
    core: false,
    script: 'journal.ts',
    words: [],
  },
  { name: 'store', about: 'records into the database', core: false, script: 'store.ts', words: [] },
  lookups('lookups', true, [1_000, 10_000, 100_000]),
  lookups('lookups-large', false, [1_000_000, 10_000_000]),
]

function lookups(name: string, core: boolean, sizes: readonly number[]): Program {
  return {
    name,
    about: `questions over ${sizes.map((size) => size.toLocaleString('en')).join(', ')} recorded calls`,
    core,
    script: 'lookups.ts',
    words: sizes.map(String),
  }
}

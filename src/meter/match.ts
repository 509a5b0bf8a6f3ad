import type { PriceBook, PriceEntry, PriceList } from './prices.ts'

/**
 * The price entry for a model name, or null: no entry is better than a near one. The provider is the one that was called;
 * when no list knows it, a name counts only if exactly one provider has it.
 */
export const findPrice = (book: PriceBook, provider: string, model: string): PriceEntry | null =>
  matchPrice(book, provider, model)?.entry ?? null

/** How a model name led to an entry. */
export interface PriceMatch {
  readonly entry: PriceEntry
  /** The name under which it was found. */
  readonly name: string
  /** From the name that was asked for to that one, in their order. */
  readonly steps: readonly MatchStep[]
}

/**
 * `own name`: the operator's name for a model. `prefix`: without the provider in front. `fine-tune`: of the tuned base.
 * `vendor form`: another way in which this vendor writes it. `version`: without a date or `-latest`. `alias`: another name of the
 * entry. `rule`: by a pattern. `only owner`: no list of that provider, and no other alone has it.
 */
export type MatchStep =
  | 'own name'
  | 'prefix'
  | 'fine-tune'
  | 'vendor form'
  | 'version'
  | 'alias'
  | 'rule'
  | 'only owner'

/** The same with the way there. */
export function matchPrice(book: PriceBook, provider: string, model: string): PriceMatch | null {
  const list = book.providers.get(provider)
  const given = model.toLowerCase()
  const own = list?.names.get(given)
  const name = own ?? given
  const before: readonly MatchStep[] = own === undefined ? [] : ['own name']
  if (name === '') return null
  if (!list) {
    const entry = onlyOwner(book, name)
    return entry && { entry, name, steps: ['only owner'] }
  }
  for (const { name: candidate, steps } of candidates(book, provider, name)) {
    const entry = list.entries.get(candidate)
    if (!entry) continue
    const alias: readonly MatchStep[] = entry.model.toLowerCase() === candidate ? [] : ['alias']
    return { entry, name: candidate, steps: [...before, ...steps, ...alias] }
  }
  const entry = byRule(list, name)
  return entry && { entry, name: entry.model, steps: [...before, 'rule'] }
}

function onlyOwner(book: PriceBook, name: string): PriceEntry | null {
  const owners = [...book.providers.values()]
    .map((list) => list.entries.get(name))
    .filter((entry) => entry !== undefined)
  return owners.length === 1 ? owners[0]! : null
}

function byRule(list: PriceList, name: string): PriceEntry | null {
  const bare = name.replace(/:latest$/, '')
  const rule = list.rules.find((rule) => rule.matches(name) && rule.matches(bare))
  return rule?.entry ?? null
}

interface Candidate {
  name: string
  steps: readonly MatchStep[]
}

/** Names to look up, in order. */
function* candidates(book: PriceBook, provider: string, name: string): Generator<Candidate> {
  const base = withoutPrefix(book, provider, name)
  const cut: readonly MatchStep[] = base === name ? [] : ['prefix']
  yield { name, steps: [] }
  yield { name: base, steps: cut }
  if (base.startsWith('ft:')) {
    for (const [place, tuned] of [...fineTune(base)].entries())
      yield { name: tuned, steps: [...cut, 'fine-tune', ...(place === 0 ? [] : (['version'] as const))] }
    return
  }
  // with some vendors the part before `/` belongs to the name
  const starts: readonly Candidate[] = [{ name, steps: [] }, ...(base === name ? [] : [{ name: base, steps: cut }])]
  for (const { name: start, steps } of starts) {
    for (const form of [start, ...(vendorForms[provider]?.(start) ?? [])]) {
      const formed: readonly MatchStep[] = form === start ? steps : [...steps, 'vendor form']
      yield { name: form, steps: formed }
      for (const bare of withoutVersion(form)) yield { name: bare, steps: [...formed, 'version'] }
    }
  }
}

/** `openai/gpt-4o`, `models/gemini-…`, `publishers/google/models/…`. */
function withoutPrefix(book: PriceBook, provider: string, name: string): string {
  const path = /^(?:projects\/.*\/)?(?:publishers\/[^/]+\/)?models\/([^/]+)$/.exec(name)
  if (path && (provider === 'google' || provider === 'vertex')) return path[1]!
  const slash = name.indexOf('/')
  return slash > 0 && book.prefixes.has(name.slice(0, slash)) ? name.slice(slash + 1) : name
}

/** `ft:base:org:suffix:id` has the price of `ft:base`; never that of the base model. */
function* fineTune(name: string): Generator<string> {
  const base = name.split(':').slice(0, 2).join(':')
  yield base
  yield* withoutVersion(base)
}

const versions = [/-\d{4}-\d{2}-\d{2}$/, /-\d{8}$/, /@\d{8}$/, /@default$/, /-latest$/, /-001$/]

function* withoutVersion(name: string): Generator<string> {
  let rest = name
  for (let left = 3; left > 0; left--) {
    const version = versions.find((pattern) => pattern.test(rest))
    if (!version) return
    rest = rest.replace(version, '')
    yield rest
  }
}

/** How one vendor writes a name in more than one way. */
const vendorForms: Readonly<Record<string, (name: string) => readonly string[]>> = {
  azure: (name) => [name.replace(/^gpt-35/, 'gpt-3.5')],
  bedrock(name) {
    const id = name.startsWith('arn:') ? name.slice(name.lastIndexOf('/') + 1) : name
    return [id, id.replace(/^(us|eu|apac|jp|au|global)\./, '')]
  },
  openrouter: (name) => [name.replace(/:(nitro|floor|exacto|thinking|online|extended)$/, '')],
}

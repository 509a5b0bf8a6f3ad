import type { PriceBook, PriceEntry, PriceList } from './prices.ts'

/**
 * The price entry for a model name, or null: no entry is better than a near one. The provider is the one that was called;
 * when no list knows it, a name counts only if exactly one provider has it.
 */
export function findPrice(book: PriceBook, provider: string, model: string): PriceEntry | null {
  const list = book.providers.get(provider)
  const given = model.toLowerCase()
  if (!list) return onlyOwner(book, given)
  const name = list.deployments.get(given) ?? given
  for (const candidate of candidates(book, provider, name)) {
    const entry = list.entries.get(candidate)
    if (entry) return entry
  }
  return byRule(list, name)
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

/** Names to look up, in order. */
function* candidates(book: PriceBook, provider: string, name: string): Generator<string> {
  const base = withoutPrefix(book, provider, name)
  yield name
  yield base
  if (base.startsWith('ft:')) {
    yield* fineTune(base)
    return
  }
  // with some vendors the part before `/` belongs to the name
  for (const start of new Set([name, base])) {
    for (const form of [start, ...(vendorForms[provider]?.(start) ?? [])]) {
      yield form
      yield* withoutVersion(form)
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

import type { Operation } from './outcome.ts'

/** A vendor's API, declared by data in `providers/<id>/provider.ts`. Adding the folder is all it takes. */
export interface Provider {
  /** Slug; also the name of its default upstream and the first path segment that selects it. */
  readonly id: string
  readonly name: string
  /** Where the API stands, without the `/v1` that the paths carry. Null: each customer has another address, the settings say it. */
  readonly baseUrl: string | null
  /** What such an address looks like, for people: `https://RESOURCE.example.com`. */
  readonly urlLike?: string
  /** Put before paths that begin with `/v1/`, where the vendor's API stands deeper: `/groq/v1/…` and `/groq/openai/v1/…` are one. */
  readonly apiPrefix?: string
  /**
   * Paths that stand elsewhere here: what a client of OpenAI's API asks for, and where it goes. `*` as last character of both
   * keeps any rest; a path that goes to itself is kept from the prefix.
   */
  readonly movedPaths?: Readonly<Record<string, string>>
  /** Where the client's credential goes and how it looks; what the record is keyed by. */
  readonly auth: { readonly header: string; readonly prefix: string } | null
  /** Paths that are model calls; every other path is forwarded too and recorded without tokens. First match wins. */
  readonly routes: readonly ProviderRoute[]
  /** Path prefixes (before `/v1`) that belong to this provider when no other rule chose one. */
  readonly claims?: readonly Claim[]
  /** Quirks, for the decoders. Same shape as `DecodeHints` in formats. */
  readonly hints?: {
    readonly usageAt?: readonly string[]
    readonly durationsIn?: 's' | 'ms' | 'ns'
    readonly outputExcludesReasoning?: boolean
    readonly usagePerChoice?: boolean
    readonly swallowsErrors?: boolean
    readonly guessesInput?: boolean
    readonly durationsAt?: readonly string[]
    readonly countersAt?: readonly string[]
    readonly countHeaders?: { readonly input: string; readonly cacheRead?: string }
    readonly bill?: { readonly at: readonly string[]; readonly places: number }
    readonly requestFee?: boolean
    readonly outputIsRestOfTotal?: boolean
  }
  /**
   * When its OpenAI-shaped streams tell their usage. `asked` (if not said): with `stream_options.include_usage`. `options`: with
   * any `stream_options` that do not say no. `always`: also unasked, or it refuses the question; it is never asked.
   */
  readonly usageInStreams?: 'asked' | 'options' | 'always'
  /** Runs on own hardware: unknown models still cost 0, by the price file's rules. */
  readonly local?: boolean
  /** Context headers of ours that this vendor reads itself and that are therefore passed on (`x-session-id` …). */
  readonly passesContext?: readonly string[]
  /** Shape of error bodies that we make ourselves for this API. */
  readonly errorShape: 'openai' | 'anthropic' | 'ollama'
}

export interface ProviderRoute {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD' | '*'
  /**
   * Path below the upstream's base, without query. `*` as last character matches any rest; `{name}` matches a segment or a part
   * of one, and `{model}` says the model that was asked for.
   */
  readonly path: string
  /** A format's id, or null when the call has none (lists, uploads). */
  readonly format: string | null
  /** Operation for routes without a format. */
  readonly operation?: Operation
  /**
   * The call fetches an answer that another call asked for. It is a call of its format only where the answer was made in the
   * background and is complete; else it is of no format and counts no tokens.
   */
  readonly fetches?: boolean
  /** Quirks of this route alone, over the provider's. */
  readonly hints?: Provider['hints']
}

/** A request without an upstream in its path belongs to the provider when all given parts hold. */
export interface Claim {
  readonly paths: readonly string[]
  readonly methods?: readonly string[]
  /** Only when this request header is present. */
  readonly header?: string
}

/** A vendor's API, declared by data in `providers/<id>/provider.ts`. Adding the folder is all it takes. */
export interface Provider {
  /** Slug; also the name of its default upstream and the first path segment that selects it. */
  readonly id: string
  readonly name: string
  /** Where the API stands, without the `/v1` that the paths carry. */
  readonly baseUrl: string
  /** Put before paths that begin with `/v1/`, where the vendor's API stands deeper: `/groq/v1/…` and `/groq/openai/v1/…` are one. */
  readonly apiPrefix?: string
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
    readonly outputIsRestOfTotal?: boolean
  }
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
  readonly operation?: 'models' | 'count_tokens' | 'pull' | 'health' | 'other'
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

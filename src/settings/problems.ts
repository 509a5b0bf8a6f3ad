/** The settings cannot be used: every wrong one is listed, one to a line. */
export class SettingsError extends Error {
  override name = 'SettingsError'
  readonly code = 'settings_wrong'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 setting is wrong' : `${problems.length} settings are wrong`
    super(`${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Collects what is wrong, so that one start shows all of it. */
export class Problems {
  readonly #lines: string[] = []

  /** `port = "eighty" (PORT): wants a whole number …` */
  value(path: string, value: string, origin: string, wants: string): void {
    this.#lines.push(`${path} = ${quoted(value)} (${origin}): wants ${wants}`)
  }

  /** Anything that is not one value: `upstreams.vllm-b (config/sightglass.yaml:7): …`. */
  about(subject: string, origin: string, message: string): void {
    this.#lines.push(`${subject} (${origin}): ${message}`)
  }

  raise(): void {
    const lines = [...new Set(this.#lines)]
    if (lines.length > 0) throw new SettingsError(lines)
  }
}

const longest = 120

function quoted(value: string): string {
  const bare = withoutUser(value)
  return JSON.stringify(bare.length > longest ? `${bare.slice(0, longest)}…` : bare)
}

/** An address without the user and password that may stand in it. */
export const withoutUser = (value: string): string => value.replace(/(\/\/)[^/@\s]*@/g, '$1***@')

import { isIP } from 'node:net'

/** Reads the text of a setting. `undefined`: it is not what is wanted. */
export interface Parser<Value> {
  /** What is wanted, as the end of "wants …". */
  readonly wants: string
  read(text: string): Value | undefined
  /** The value as one would write it. */
  show(value: Value): string
}

/** A parser for texts of which only one form is right. */
const parser = <Value>(
  wants: string,
  read: (text: string) => Value | undefined,
  show: (value: Value) => string = String,
): Parser<Value> => ({ wants, read, show })

export const text = (wants = 'a text'): Parser<string> => parser(wants, (given) => given.trim() || undefined)

export const oneOf = <const Choice extends string>(...choices: readonly Choice[]): Parser<Choice> =>
  parser(choices.length === 1 ? `the word ${choices[0]}` : `one of ${choices.join(', ')}`, (given) =>
    choices.find((choice) => choice === given.trim().toLowerCase()),
  )

export const yesOrNo: Parser<boolean> = parser('true or false', (given) => {
  const word = given.trim().toLowerCase()
  return word === 'true' || (word === 'false' ? false : undefined)
})

export const whole = (least: number, most: number): Parser<number> =>
  parser(`a whole number from ${least} to ${most}`, (given) => {
    const value = /^\d{1,15}$/.test(given.trim()) ? Number(given) : Number.NaN
    return value >= least && value <= most ? value : undefined
  })

const millisecondsIn: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const longestTimerMs = 2 ** 31 - 1

/** Milliseconds. A number needs its unit; `0` does not. */
export const duration = (leastMs = 0): Parser<number> =>
  parser(
    `a duration such as 5s, 500ms, 2m or 1h${leastMs > 0 ? `, at least ${leastMs}ms` : ''}, at most 24d`,
    (given) => {
      const parts = /^(\d{1,10}(?:\.\d{1,6})?)\s*(ms|s|m|h|d)$/.exec(given.trim())
      const value = parts ? Number(parts[1]) * millisecondsIn[parts[2]!]! : given.trim() === '0' ? 0 : Number.NaN
      return Number.isInteger(value) && value >= leastMs && value <= longestTimerMs ? value : undefined
    },
    (value) => (value === 0 ? '0' : value % 1_000 === 0 ? `${value / 1_000}s` : `${value}ms`),
  )

const bytesIn: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}

/** Bytes. A plain number is one of bytes. */
export const size = (least: number, most: number): Parser<number> =>
  parser(
    `a size such as 1MiB, 10MB or 65536, from ${sizeText(least)} to ${sizeText(most)}`,
    (given) => {
      const parts = /^(\d{1,15}(?:\.\d{1,6})?)\s*([kmg]?i?b)?$/i.exec(given.trim())
      const unit = parts ? bytesIn[(parts[2] ?? 'b').toLowerCase()] : undefined
      const value = parts && unit ? Number(parts[1]) * unit : Number.NaN
      return Number.isInteger(value) && value >= least && value <= most ? value : undefined
    },
    sizeText,
  )

function sizeText(bytes: number): string {
  for (const [unit, factor] of [['GiB', 2 ** 30] as const, ['MiB', 2 ** 20] as const, ['KiB', 2 ** 10] as const]) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return `${bytes}`
}

/** IP addresses and networks, separated by commas. */
export const networks: Parser<readonly string[]> = parser(
  'IP addresses or networks such as 10.0.0.0/8, fd00::/8, 127.0.0.1',
  (given) => {
    const parts = given
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
    return parts.every(isNetwork) ? parts : undefined
  },
)

function isNetwork(given: string): boolean {
  const [address = '', prefix, ...more] = given.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** Where an API stands: origin and base path, without the `/v1` that the paths carry and without a final slash. */
export const upstreamUrl: Parser<string> = parser(
  'an address such as https://api.example.com or http://127.0.0.1:8000, without user, query or fragment',
  (given) => {
    const url = httpUrl(given)
    if (!url || url.username || url.password || url.search || url.hash) return undefined
    return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/+$/, '')
  },
)

/** A proxy on the way out; it may carry a user and a password. */
export const proxyUrl: Parser<string> = parser('an address such as http://proxy.example.com:3128', (given) => {
  const url = httpUrl(given)
  return url && (url.pathname === '/' || url.pathname === '') && !url.search && !url.hash ? url.href : undefined
})

/** The way out of one upstream. */
export const upstreamProxy: Parser<string> = parser(`the word direct, or ${proxyUrl.wants}`, (given) =>
  given.trim() === 'direct' ? 'direct' : proxyUrl.read(given),
)

function httpUrl(given: string): URL | null {
  if (!/^https?:\/\/[^/\s]/i.test(given.trim())) return null
  return URL.parse(given.trim())
}

/** Where a MongoDB stands. It reaches the driver as it was given, which knows what else may be wrong with it. */
export const mongoUri: Parser<string> = parser(
  'an address such as mongodb://127.0.0.1:27017 or mongodb+srv://user:password@cluster.example.com',
  (given) => (/^mongodb(?:\+srv)?:\/\/[^\s/]\S*$/.test(given.trim()) ? given.trim() : undefined),
)

export const databaseName: Parser<string> = parser(
  'the name of a database: at most 63 bytes, none of / \\ . " $ * < > : | ? and no space',
  (given) =>
    /^[^/\\."$*<>:|?\s\0]+$/.test(given.trim()) && Buffer.byteLength(given.trim()) <= 63 ? given.trim() : undefined,
)

/** A secret that travels in a header: visible ASCII without spaces. */
export const secret: Parser<string> = parser('at least 8 visible ASCII characters without spaces', (given) =>
  /^[\x21-\x7e]{8,}$/.test(given.trim()) ? given.trim() : undefined,
)

const hostName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?$/i

/** An address to listen on, without brackets. */
export const host: Parser<string> = parser('an IP address or a host name, without a port', (given) => {
  const bare = given.trim().replace(/^\[(.*)\]$/, '$1')
  return isIP(bare) !== 0 || hostName.test(bare) ? bare : undefined
})

/** Names of projects, as the context headers carry them; calls are recorded under the name in small letters. */
export const projectId: Parser<string> = parser(
  'letters, digits, dot, dash and underscore, at most 100, a letter or digit at both ends',
  (given) => (/^[a-z0-9](?:[a-z0-9._-]{0,98}[a-z0-9])?$/i.test(given) ? given.toLowerCase() : undefined),
)

export const upstreamId: Parser<string> = parser(
  'small letters, digits and dashes, at most 64, beginning with a letter or digit',
  (given) => (/^[a-z0-9][a-z0-9-]{0,63}$/.test(given) ? given : undefined),
)

export const fingerprint: Parser<string> = parser('a key fingerprint of 32 hex digits', (given) =>
  /^[0-9a-f]{32}$/i.test(given) ? given.toLowerCase() : undefined,
)

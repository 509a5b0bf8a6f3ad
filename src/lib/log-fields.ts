/** The fields as a log line may show them: secrets as `***`, bytes as their number, errors as message, code and cause. */
export function printableFields(fields: object): Record<string, unknown> {
  const shown = shownObject(fields, 0)
  for (const name of ['level', 'time', 'msg']) {
    if (!Object.hasOwn(shown, name)) continue
    shown[`${name}_`] = shown[name]
    delete shown[name]
  }
  return shown
}

/** One value, cleaned in the same way. */
export function printable(value: unknown): unknown {
  return shown(value, 0)
}

const maximumDepth = 4
const maximumItems = 50
const maximumLength = 2_000

const secretName =
  /^(?:(?:proxy-?|x-)?authorization|cookie|set-cookie|credentials?|pepper|secret|token|password|passwd|.*(?:api|access|secret|private|auth)[-_]?key|.*[-_]?(?:secret|password|passwd)|.*(?:api|access|admin|refresh|auth|bearer|id)[-_]?token)$/i
const bodyName =
  /^(?:body|requestBody|responseBody|request_body|response_body|prompt|completion|content|messages?_text)$/

function shown(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return shownText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? '<function>' : value
  if (value instanceof Error) return shownError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof URL) return shownText(value.href)
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`
  if (depth >= maximumDepth) return '<deeper>'
  if (Array.isArray(value)) {
    const items = value.slice(0, maximumItems).map((item) => shown(item, depth + 1))
    if (value.length > maximumItems) items.push(`<${value.length - maximumItems} more>`)
    return items
  }
  if (value instanceof Map) return shownObject(Object.fromEntries(value), depth)
  if (value instanceof Set) return shown([...value], depth)
  return shownObject(value, depth)
}

function shownObject(value: object, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue
    if (secretName.test(name)) result[name] = part === null ? null : '***'
    else if (bodyName.test(name) && typeof part === 'string') result[name] = `<${part.length} characters>`
    else result[name] = shown(part, depth + 1)
  }
  return result
}

/** Errors of libraries carry sockets, requests and headers; only what tells the cause is taken. */
function shownError(error: Error, depth: number): unknown {
  const { code } = error as { code?: unknown }
  return {
    message: shownText(error.message || error.name),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(error.cause === undefined || depth >= maximumDepth ? {} : { cause: shown(error.cause, depth + 1) }),
    ...(error instanceof AggregateError && depth < maximumDepth
      ? { errors: error.errors.slice(0, 5).map((one) => shown(one, depth + 1)) }
      : {}),
  }
}

const secretsInText: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 ***'],
  [/\b((?:sk|pk|gsk|sg|xai|hf|rk|AIza)[-_])[\w-]{8,}/g, '$1***'],
  [/(\/\/)[^/@\s:]*:[^/@\s]*@/g, '$1***@'],
  [/([?&](?:api[-_]?key|key|token|access_token|sig)=)[^&\s"']+/gi, '$1***'],
]

function shownText(text: string): string {
  const short = text.length > maximumLength ? `${text.slice(0, maximumLength)}… <${text.length} characters>` : text
  return secretsInText.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), short)
}

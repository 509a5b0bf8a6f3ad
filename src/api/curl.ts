import type { Provider } from '../records/provider.ts'
import type { RunDetail } from '../stores/store.ts'
import { keyHeader, keyVariable, requestAgain } from './request-again.ts'

/**
 * A command line that makes a recorded call again through the proxy at `base`, byte for byte, with the key in the variable that
 * the vendor's own tools read. For bash and zsh; nothing in it but the key's variable is expanded. Throws `NotRepeatable`.
 */
export function curlText(
  detail: RunDetail,
  body: Uint8Array | null,
  base: string,
  provider: Provider | undefined,
): string {
  const { metadata } = detail.telemetry
  const request = requestAgain(detail, body)
  const { bytes } = request
  const text = bytes === null ? null : shellText(bytes)
  const words = [
    ...methodWords(request.method, bytes !== null),
    ...(metadata.stream ? ['--no-buffer'] : []),
    ...headerWords(request.headers, bytes !== null, metadata.project_id),
    ...keyWords(detail, provider),
    ...(bytes === null ? [] : text === null ? ['--data-binary @-'] : [`--data-raw ${text}`]),
  ]
  const url = quoted(`${base}/${metadata.upstream}${request.path}`)
  const command = [`curl --globoff --path-as-is ${url}`, ...words].join(' \\\n  ')
  if (bytes === null || text !== null) return `${command}\n`
  return `base64 -d <<'BODY' | ${command}\n${lines(Buffer.from(bytes).toString('base64'))}\nBODY\n`
}

function methodWords(method: string, hasBody: boolean): string[] {
  if (method === 'HEAD') return ['--head']
  return method === (hasBody ? 'POST' : 'GET') ? [] : [`-X ${quoted(method)}`]
}

/** What curl adds by itself where a call had none of it is taken off. */
function headerWords(headers: Readonly<Record<string, string>>, hasBody: boolean, project: string): string[] {
  const all = {
    accept: '',
    ...(hasBody ? { 'content-type': '' } : {}),
    ...headers,
    ...(project === 'default' ? {} : { 'x-project-id': project }),
  }
  return Object.entries(all).map(([name, value]) => `-H ${quoted(value === '' ? `${name}:` : `${name}: ${value}`)}`)
}

/** None where the call had no key. */
function keyWords({ telemetry: { metadata } }: RunDetail, provider: Provider | undefined): string[] {
  if (metadata.key_id === null) return []
  const fields = keyHeader(provider, `$${keyVariable(metadata.provider)}`)
  return Object.entries(fields).map(([name, value]) => `-H "${name}: ${value}"`)
}

/** Longer texts are no arguments: Linux takes 128 KiB for one. */
const longestText = 100_000

/** The bytes as one word of a shell, or null for what is no text, or too long for one. */
function shellText(bytes: Uint8Array): string | null {
  if (bytes.length > longestText || bytes.includes(0)) return null
  try {
    return quoted(utf8.decode(bytes))
  } catch {
    return null
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Characters that steer a terminal or hide others: what is pasted must be what is seen. */
const unseen = /(?!\n)\p{Cc}|[\u202a-\u202e\u2066-\u2069\ufeff]/u

/** One word, whatever stands in it: in single quotes, or escaped where a terminal would take a character for a command. */
function quoted(text: string): string {
  if (!unseen.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`
  const escaped = text.replace(/[\\'!]|\p{Cc}|[\u202a-\u202e\u2066-\u2069\ufeff]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  return `$'${escaped}'`
}

const lines = (base64: string): string => base64.replace(/.{1,76}/g, (line) => `${line}\n`).trimEnd()

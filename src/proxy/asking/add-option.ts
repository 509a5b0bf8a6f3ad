import { isUtf8 } from 'node:buffer'
import { type JsonKind, JsonScan, type JsonWatcher } from '../../lib/json-scan.ts'

/** The body to send; null: as it came, and why, where people should know. */
export type Asked = { body: Buffer; note: null } | { body: null; note: string | null }

/**
 * Adds `stream_options.include_usage` to a request for a stream that lacks it. Every other byte stays, and so does a request
 * that says itself whether it wants the usage. `optionsAsk`: to this server any `stream_options` that do not say no are a yes.
 */
export function askForUsage(body: Buffer, optionsAsk: boolean): Asked {
  const found = new Places()
  const scan = new JsonScan(found)
  scan.push(body)
  if (!scan.whole || !isUtf8(body)) return leftAlone('it is no JSON')
  const { options } = found
  if (!found.streams || options?.says || (options?.kind === 'object' && optionsAsk)) return leftAlone(null)
  if (options === null) return inserted(body, found.lastEnd, `,"stream_options":{${member}}`)
  if (options.kind === 'null') return inserted(body, options.from, `{${member}}`, options.to)
  if (options.kind !== 'object') return leftAlone('its stream_options are no object')
  const { lastEnd } = options
  return lastEnd === null ? inserted(body, options.from + 1, member) : inserted(body, lastEnd, `,${member}`)
}

const member = '"include_usage":true'

export const leftAlone = (why: string | null): Asked => ({
  body: null,
  note: why === null ? null : `the usage was not asked for: the request went on as it came, for ${why}`,
})

const inserted = (body: Buffer, at: number, text: string, to = at): Asked => ({
  body: Buffer.concat([body.subarray(0, at), Buffer.from(text), body.subarray(to)]),
  note: null,
})

interface Options {
  kind: JsonKind
  from: number
  to: number
  /** Behind its last member; null: it has none. */
  lastEnd: number | null
  /** It holds `include_usage`, whatever its value. */
  says: boolean
}

/** Of a request for an OpenAI-shaped answer. Of members that are there twice the last one counts, as in every parser. */
class Places implements JsonWatcher {
  streams = false
  options: Options | null = null
  /** Behind the last member. */
  lastEnd = 0
  #member: string | null = null

  begin(depth: number, kind: JsonKind, name: string | null, at: number): void {
    if (depth !== 1) return
    this.#member = name
    if (name === 'stream') this.streams = kind === 'true'
    if (name === 'stream_options') this.options = { kind, from: at, to: at, lastEnd: null, says: false }
  }

  end(depth: number, _kind: JsonKind, name: string | null, at: number): void {
    const { options } = this
    if (depth === 1) {
      this.lastEnd = at
      if (options && name === 'stream_options') options.to = at
    }
    if (depth !== 2 || !options || this.#member !== 'stream_options') return
    options.lastEnd = at
    if (name === 'include_usage') options.says = true
  }
}

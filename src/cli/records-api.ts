import { arrayAt, isObject, numberAt, objectOf, stringAt } from '../records/json.ts'
import type { TelemetryRecord } from '../records/telemetry.ts'
import type { RunDetail, RunPage, RunSummary, UsageAnswer } from '../stores/store.ts'
import type { UnpricedAnswer } from '../stores/unpriced.ts'
import { CommandFailure } from './failure.ts'
import type { Question, Records } from './records.ts'

const waitMs = 60_000

/** Nobody listens at the address. */
export class NobodyThere extends Error {
  override name = 'NobodyThere'
}

/** Puts questions to a running proxy; `json` resolves to null for what is not there. */
export function apiOf(url: string, token: string | null) {
  const get = (path: string, question: Question = {}) => request(url, path, question, token)
  const read = async (answer: Response) => answered(answer, await answer.text(), url)
  return {
    get,
    json: async (path: string, question?: Question): Promise<unknown> => read(await get(path, question)),
    post: async (path: string, body: object): Promise<unknown> => read(await request(url, path, {}, token, body)),
  }
}

/** Asks a running proxy over HTTP. */
export function apiRecords(url: string, token: string | null): Records {
  const { get, json } = apiOf(url, token)
  return {
    usage: async (question) => usage(await json('/usage', question), url),
    unpriced: async (question) => unpriced(await json('/usage/unpriced', question), url),
    runs: async (question) => page(await json('/llm-history', question), url),
    run: async (id) => detail(await json(`/llm-history/${encodeURIComponent(id)}`)),
    async body(id, side) {
      const answer = await get(`/llm-history/${encodeURIComponent(id)}`, { raw: side })
      if (answer.ok) return new Uint8Array(await answer.arrayBuffer())
      answered(answer, await answer.text(), url)
      return null
    },
    close: async () => {},
  }
}

async function request(
  url: string,
  path: string,
  question: Question,
  token: string | null,
  body?: object,
): Promise<Response> {
  const query = new URLSearchParams({ ...question }).toString()
  try {
    return await fetch(`${url}${path}${query ? `?${query}` : ''}`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(waitMs),
    })
  } catch (error) {
    const code = codeOf(error)
    if (['ECONNREFUSED', 'ENOTFOUND', 'EADDRNOTAVAIL'].includes(code)) {
      throw new NobodyThere(`nothing listens on ${url} (${code})`, { cause: error })
    }
    throw new CommandFailure(`${url} did not answer (${code})`, { cause: error })
  }
}

function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException
    if (typeof code === 'string') return code
    if (at instanceof AggregateError) return codeOf(at.errors[0])
    if (at.name === 'TimeoutError') return `within ${waitMs / 1_000} s`
  }
  return error instanceof Error ? error.message : String(error)
}

/** The JSON of a good answer; null for a run that is not there. */
function answered(answer: Response, text: string, url: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandFailure(`${url} answered ${answer.status}, and not as Sightglass does`, { cause: error })
  }
  if (answer.ok) return value
  const code = stringAt(value, 'error', 'code') ?? ''
  const message = stringAt(value, 'error', 'message') ?? `answered ${answer.status}`
  if (answer.status === 401 || answer.status === 403) {
    throw new CommandFailure(`${url}: ${message}\nGive the admin token with --token, ADMIN_TOKEN or ADMIN_TOKEN_FILE.`)
  }
  if (answer.status === 404 && stringAt(value, 'error', 'message') !== null && !code.includes('route')) return null
  throw new CommandFailure(`${url}: ${message}`)
}

export const otherShape = (url: string): CommandFailure =>
  new CommandFailure(`${url} answered in a form that is not known here: is it a Sightglass of this version?`)

function usage(value: unknown, url: string): UsageAnswer {
  const { totals, groups } = objectOf(value)
  if (!isObject(totals) || !Array.isArray(groups)) throw otherShape(url)
  return value as UsageAnswer
}

function unpriced(value: unknown, url: string): UnpricedAnswer {
  if (!Array.isArray(objectOf(value).models)) throw otherShape(url)
  return value as UnpricedAnswer
}

function page(value: unknown, url: string): RunPage {
  if (!Array.isArray(objectOf(value).items)) throw otherShape(url)
  const items = arrayAt(value, 'items').flatMap((item): RunSummary[] => {
    const { telemetry } = objectOf(item)
    if (!isObject(telemetry)) return []
    const prompt = stringAt(item, 'prompt')
    return [{ telemetry: telemetry as unknown as TelemetryRecord, prompt, completion: stringAt(item, 'completion') }]
  })
  return { items, nextCursor: stringAt(value, 'next_cursor'), total: numberAt(value, 'total') }
}

function detail(value: unknown): RunDetail | null {
  if (value === null) return null
  const { telemetry, run, chunk_times } = objectOf(value)
  if (!isObject(telemetry) || !isObject(run)) throw new CommandFailure('the answer holds no run')
  return { telemetry, run, chunkTimes: Array.isArray(chunk_times) ? chunk_times : null } as unknown as RunDetail
}

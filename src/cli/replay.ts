import { setTimeout as delay } from 'node:timers/promises'
import { loadProviders } from '../../providers/index.ts'
import { keyHeader, keyVariable, type RequestAgain } from '../api/request-again.ts'
import { version } from '../lib/version.ts'
import type { Provider } from '../records/provider.ts'
import type { RunDetail } from '../stores/store.ts'
import { idOperand, wholeId } from './call-id.ts'
import type { Command, Io } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import type { Arguments } from './options.ts'
import { filterOptions } from './question.ts'
import type { Records } from './records.ts'
import { apiRecords, NobodyThere } from './records-api.ts'
import { replayRequest } from './replay-request.ts'
import { send } from './replay-send.ts'
import { comparison, comparisonText } from './replay-text.ts'
import { type ProxyPlace, proxyPlace, recordOptions } from './with-records.ts'

export const replay: Command = {
  details: `Sends the very bytes of the call's request to another upstream, through the running proxy: the replay has a record of its own, in the project of the original. Model names are part of those bytes, so the other upstream must know them. Query parameters are not recorded and not sent.

The key for the upstream is --key, else REPLAY_KEY, else the vendor's usual variable (OPENAI_API_KEY, GROQ_API_KEY …). It is sent and kept nowhere; a variable keeps it out of the list of processes too.

Ends with 1 when the replay failed.

Examples:
  sightglass replay 019f5c1e-8a3b --to vllm-b
  sightglass replay 019f5c1e-8a3b --to groq --json`,
  options: {
    to: { value: 'UPSTREAM', about: 'Where to send it: a provider, or an upstream of the settings.' },
    key: { value: 'KEY', about: "Key for that upstream (REPLAY_KEY, or the vendor's usual variable)." },
    json: filterOptions.json!,
    ...recordOptions,
  },
  async run(given, io) {
    const wanted = idOperand(given.operands[0]!)
    const to = upstreamOf(given)
    const place = await proxyPlace(given, io)
    const providers = await loadProviders()
    const records = apiRecords(place.url, place.token)
    const { original, body } = await reachable(place, () => recorded(wanted, records))
    const request = replayRequest(original, body, providers.get(original.telemetry.metadata.provider))

    const provider = providers.get(place.settings.upstreams[to]?.provider ?? to)
    const key = keyFor(to, provider, given, io)
    const id = await sent(place, to, withWho(request, original, keyFields(provider, key)))
    // whoever is not the admin sees calls by the key that made them
    const again = await recordOf(id, key === null ? [records] : [records, apiRecords(place.url, key)])
    const compared = comparison(original, again)
    io.out(given.flag('json') ? `${JSON.stringify(compared, null, 2)}\n` : comparisonText(compared, io.width))
    return again.telemetry.metadata.success ? 0 : 1
  },
}

function upstreamOf(given: Arguments): string {
  const to = given.text('to')?.toLowerCase()
  if (to === undefined) throw new UsageError('--to is missing: where shall it be sent?')
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(to)) throw new UsageError(`--to ${to}: wants a provider or upstream`)
  return to
}

async function reachable<Answer>({ url }: ProxyPlace, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof NobodyThere)) throw error
    throw new CommandFailure(`a replay goes through the running proxy, and nothing listens on ${url}`, { cause: error })
  }
}

async function recorded(wanted: string, records: Records): Promise<{ original: RunDetail; body: Uint8Array | null }> {
  const id = await wholeId(wanted, records)
  const original = await records.run(id)
  if (!original) throw new CommandFailure(`${id}: no such call`)
  const { size, kept } = original.run.request_body
  return { original, body: size > 0 && kept > 0 ? await records.body(id, 'request') : null }
}

function keyFor(to: string, provider: Provider | undefined, given: Arguments, io: Io): string | null {
  const variables = ['REPLAY_KEY', keyVariable(to), ...(provider ? [keyVariable(provider.id)] : [])]
  const set = variables.map((name) => io.env[name]?.trim()).find((value) => value !== undefined && value !== '')
  const key = given.text('key') ?? set ?? null
  if (key !== null && !/^[\x21-\x7e]+$/.test(key)) throw new CommandFailure('the key holds characters that no key has')
  if (key === null && provider && provider.auth !== null && !provider.local) {
    throw new CommandFailure(`${to} wants a key: give --key or ${[...new Set(variables)].join(' or ')}`)
  }
  return key
}

const keyFields = (provider: Provider | undefined, key: string | null) => (key === null ? {} : keyHeader(provider, key))

/** The replay counts where the original did, and says what it is. */
const withWho = (request: RequestAgain, { telemetry }: RunDetail, key: Record<string, string>): RequestAgain => ({
  ...request,
  headers: {
    'user-agent': `sightglass/${version}`,
    ...request.headers,
    ...key,
    'x-project-id': telemetry.metadata.project_id,
    'x-experiment-id': `replay of ${telemetry._id}`,
  },
})

async function sent({ url }: ProxyPlace, to: string, request: RequestAgain): Promise<string> {
  const { status, id } = await send(`${url}/${to}${request.path}`, request)
  if (id === null) throw new CommandFailure(`${url} knows no upstream ${to}: it answered ${status} itself`)
  return id
}

const recordMs = 15_000
const askEveryMs = 50

/** The record of a call that has just ended: it is read from the journal a moment later. */
async function recordOf(id: string, views: readonly Records[]): Promise<RunDetail> {
  const until = performance.now() + recordMs
  for (;;) {
    for (const records of views) {
      const found = await records.run(id)
      if (found) return found
    }
    if (performance.now() > until) {
      throw new CommandFailure(`the replay was sent, and its record is not there after ${recordMs / 1_000} s: ${id}`)
    }
    await delay(askEveryMs)
  }
}

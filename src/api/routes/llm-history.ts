import { z } from '@hono/zod-openapi'
import { given } from '../../lib/given.ts'
import { isId } from '../../lib/id.ts'
import type { Outcome } from '../../records/outcome.ts'
import { timelineOf } from '../../records/timeline.ts'
import type { RunQuery, RunSummary } from '../../stores/store.ts'
import { invalid, notFound } from '../api-error.ts'
import { curlText } from '../curl.ts'
import { loggedCall } from '../logged-call.ts'
import { type RunParameters, runParameters } from '../parameters.ts'
import { rawBody } from '../raw-body.ts'
import { NotRepeatable } from '../request-again.ts'
import { route } from '../route.ts'
import { otelLogAnswer } from '../schemas/otel-log.ts'
import { type RunSummaryAnswer, runDetail, runList } from '../schemas/run.ts'
import { sameAs, scopeOf } from '../scope.ts'

const list = route({
  path: '/llm-history',
  access: 'key',
  summary: 'Calls, newest first',
  description:
    'The admin sees all calls, a key its own. Page with `cursor` (any depth) or `skip`. `items` and `runs` are one list; each line has the fields of `llm_runs` that fit in one, and the whole telemetry. Texts are cut at 10,000 characters (`text_truncated`); `/llm-history/{id}` has them whole.',
  query: runParameters,
  answer: runList,
  errors: [403, 503],
  async handle({ identity, parts, query: asked, ask }) {
    if (asked.cursor !== undefined && asked.skip !== undefined)
      throw invalid('skip', `skip=${asked.skip}: goes not with cursor; use one of them`)
    const user = sameAs('user', asked.user, 'soeid', asked.soeid)
    const { project, filter } = scopeOf(identity, parts.clock, { ...asked, user, ...outcomeOf(asked) })
    const query = { ...filter, ...more(asked), limit: asked.limit }
    const page = await ask((store) => store.runs(project, query))
    const items = page.items.map(line)
    return {
      total: page.total,
      skip: asked.skip ?? 0,
      limit: asked.limit,
      items,
      runs: items,
      next_cursor: page.nextCursor,
    }
  },
})

/** `status` takes an outcome as well as `success` and `error`. */
function outcomeOf(asked: RunParameters): { outcome: Outcome | undefined } {
  const status = asked.status === 'success' || asked.status === 'error' ? undefined : asked.status
  return { outcome: sameAs('outcome', asked.outcome, 'status', status) }
}

function more(asked: RunParameters): Partial<RunQuery> {
  for (const [low, high] of [
    ['latency_min_ms', 'latency_max_ms'],
    ['tokens_min', 'tokens_max'],
  ] as const)
    if ((asked[low] ?? 0) > (asked[high] ?? Number.POSITIVE_INFINITY))
      throw invalid(low, `${low}=${asked[low]}: is more than ${high}=${asked[high]}`)
  return given({
    operation: asked.operation,
    statusCode: asked.status_code,
    status: asked.status === 'success' || asked.status === 'error' ? asked.status : undefined,
    session: asked.session,
    text: asked.text,
    latencyMinMs: asked.latency_min_ms,
    latencyMaxMs: asked.latency_max_ms,
    tokensMin: asked.tokens_min,
    tokensMax: asked.tokens_max,
    cursor: asked.cursor,
    skip: asked.skip,
  })
}

function line({ telemetry, prompt, completion }: RunSummary): RunSummaryAnswer {
  const { metadata } = telemetry
  return {
    _id: telemetry._id,
    request_id: telemetry.request_id,
    timestamp: telemetry.timestamp,
    soeid: metadata.soeid,
    project_name: metadata.project_name,
    project_id: metadata.project_id,
    key_id: metadata.key_id,
    provider: metadata.provider,
    operation: metadata.operation,
    model: metadata.llm_model ?? 'unknown',
    prompt: clipped(prompt),
    completion: clipped(completion),
    text_truncated: [prompt, completion].some((text) => text !== null && text.length > lineTextLimit),
    prompt_tokens: metadata.prompt_tokens,
    completion_tokens: metadata.completion_tokens,
    total_tokens: metadata.total_tokens,
    latency_ms: metadata.latency_ms,
    success: metadata.success,
    outcome: metadata.outcome,
    status_code: metadata.status_code,
    cost_usd: metadata.cost_usd,
    telemetry,
  }
}

/** Characters of each text in a line: a page of long conversations must not stand still the process that proxies. */
const lineTextLimit = 10_000

/** Never with half a character at the end. */
const clipped = (text: string | null): string | null =>
  text === null || text.length <= lineTextLimit ? text : text.slice(0, lineTextLimit).replace(/[\ud800-\udbff]$/, '')

const detail = route({
  path: '/llm-history/{id}',
  access: 'key',
  summary: 'One call, whole',
  description:
    'With `raw` the answer is the kept bytes of that body, exactly as they passed: a content coding is not undone (it is named in `x-sightglass-content-encoding`), and `x-sightglass-truncated: true` says that the end is missing. With `format=otel` it is the call as an OpenTelemetry log document; with `format=curl` a command line that makes it again through this proxy, to the byte, with the key in a variable.',
  params: { id: 'id of the call, the x-sightglass-id of its answer' },
  query: z.object({
    raw: z
      .enum(['request', 'response'], { error: 'wants request or response' })
      .optional()
      .openapi({ description: 'the bytes of this body instead of the record' }),
    format: z
      .enum(['otel', 'curl'], { error: 'wants otel or curl' })
      .optional()
      .openapi({ description: 'the call in another form' }),
  }),
  answer: z.union([runDetail, otelLogAnswer]),
  text: 'text/plain',
  bytes: true,
  errors: [404, 503],
  async handle({ identity, query, param, ask, parts, context }) {
    const { raw, format } = query
    if (raw !== undefined && format !== undefined)
      throw invalid('format', `format=${format}: goes not with raw; use one of them`)
    const id = param('id').toLowerCase()
    const unknown = notFound(`no call ${id.slice(0, 80)} is yours to see`)
    if (!isId(id)) throw unknown
    const found = await ask((store) => store.run(null, id))
    if (found === null || (identity.kind === 'key' && found.telemetry.metadata.key_id !== identity.keyId)) throw unknown
    const body = (side: 'request' | 'response') => ask((store) => store.body(null, id, side))
    if (raw !== undefined) {
      const kept = await body(raw)
      if (kept === null) throw notFound(`nothing was kept of this call's ${raw}`)
      return rawBody(`${id}-${raw}`, kept)
    }
    if (format === 'otel') {
      const [request, response] = [await body('request'), await body('response')]
      const { deploymentEnvironment } = parts.settings
      return loggedCall(found, request?.bytes ?? null, response?.bytes ?? null, deploymentEnvironment, parsedHere)
    }
    if (format === 'curl') {
      const provider = parts.providers.get(found.telemetry.metadata.provider)
      const request = await body('request')
      return context.text(commandLine(found, request?.bytes ?? null, new URL(context.req.url).origin, provider))
    }
    const { telemetry, run, chunkTimes } = found
    return { telemetry, run, timeline: timelineOf(telemetry, chunkTimes), chunk_times: chunkTimes }
  },
})

function commandLine(...call: Parameters<typeof curlText>): string {
  try {
    return curlText(...call)
  } catch (error) {
    if (error instanceof NotRepeatable)
      throw invalid('format', `format=curl: the call cannot be made again: ${error.message}`)
    throw error
  }
}

/** This thread also proxies: what is larger is left as the beginning of its text. */
const parsedHere = { bytes: 4 << 20 }

export const historyRoutes = [list, detail]

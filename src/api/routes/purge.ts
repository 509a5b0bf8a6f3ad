import type { z } from '@hono/zod-openapi'
import type { PurgeWish } from '../../records/purge.ts'
import type { PurgeReport } from '../../stores/own-store.ts'
import { ApiError, invalid, notFound } from '../api-error.ts'
import { within } from '../ask.ts'
import { momentForms, readMoment } from '../moment.ts'
import { purgeListParameters, purgeWish } from '../parameters.ts'
import type { ApiParts } from '../parts.ts'
import { shownPurge } from '../purge-answer.ts'
import { route } from '../route.ts'
import { purge as purgeAnswer, purgeList } from '../schemas/purge.ts'

const path = '/purge'

const ask = route({
  path,
  method: 'POST',
  access: 'admin',
  summary: 'Deletes calls, wherever they are',
  description:
    'For the admin. Calls that have all that is named and began before now (or before `before`) are deleted from the embedded database, from every sink and from CSV files; one of `project`, `user` and `before` must be named. The answer comes when the purge is written down: it is carried out after that, also after a restart, and `GET /purge/{number}` tells how far it is.',
  body: purgeWish,
  answer: purgeAnswer,
  status: 201,
  errors: [503],
  async handle({ parts, body }) {
    const wish = wishOf(body, parts)
    const asked = await orUnavailable(parts, () => parts.purge(wish))
    return answerOf((await orUnavailable(parts, () => parts.own.purge(asked.number))) ?? { ...asked, parts: [] }, parts)
  },
})

const one = route({
  path: '/purge/{number}',
  access: 'admin',
  summary: 'How far a purge is carried out',
  description: 'For the admin. It is known for 30 days after its end, a dry one for an hour.',
  params: { number: 'number of the purge' },
  answer: purgeAnswer,
  errors: [404, 503],
  async handle({ parts, param }) {
    const number = /^\d{1,15}$/.test(param('number')) ? Number(param('number')) : Number.NaN
    const found = Number.isNaN(number) ? null : await orUnavailable(parts, () => parts.own.purge(number))
    if (found === null) throw notFound(`there is no purge ${param('number').slice(0, 80)}`)
    return answerOf(found, parts)
  },
})

const list = route({
  path,
  access: 'admin',
  summary: 'Purges, newest first',
  description: 'For the admin. Without dry ones.',
  query: purgeListParameters,
  answer: purgeList,
  errors: [503],
  async handle({ parts, query: { limit, cursor } }) {
    const found = await orUnavailable(parts, () => parts.own.purges(limit + 1, cursor ?? null))
    const page = found.slice(0, limit)
    const messages = await messagesOf(parts)
    return {
      items: page.map((purge) => shownPurge(purge, messages)),
      next_cursor: found.length > limit ? String(page.at(-1)?.number) : null,
    }
  },
})

export const purgeRoutes = [list, ask, one]

function wishOf(body: z.output<typeof purgeWish>, parts: ApiParts): PurgeWish {
  const { project, user, before, tz = 'UTC', dry_run: dry = false } = body
  if (project === undefined && user === undefined && before === undefined)
    throw invalid('project', 'name a project, a user or before, or more than one: all that is named must hold')
  const nowMs = parts.clock.wall()
  const beforeMs = before === undefined ? null : readMoment(before, nowMs, tz)
  if (before !== undefined && beforeMs === null) throw invalid('before', `before=${before}: wants ${momentForms}`)
  if (beforeMs !== null && beforeMs > nowMs)
    throw invalid('before', `before=${before}: is in the future; calls of after now are never deleted`)
  // calls are recorded under the slug in small letters, however it was written
  return { project: project?.toLowerCase() ?? null, user: user ?? null, beforeMs, dry }
}

async function orUnavailable<T>(parts: ApiParts, work: () => Promise<T>): Promise<T> {
  try {
    return await within(parts.deadlineMs ?? 15_000, work())
  } catch (error) {
    parts.failed(error, path)
    throw new ApiError(503, 'store_unavailable', 'the embedded database does not answer now', {
      headers: { 'retry-after': '1' },
    })
  }
}

const answerOf = async (purge: PurgeReport, parts: ApiParts): Promise<z.input<typeof purgeAnswer>> =>
  shownPurge(purge, purge.parts.some(({ doneMs }) => doneMs === null) ? await messagesOf(parts) : {})

/** Why each sink takes nothing, if it does not. */
async function messagesOf(parts: ApiParts): Promise<Readonly<Record<string, string | null>>> {
  const { mongodb } = (await orUnavailable(parts, () => parts.status())).services
  return { mongodb: mongodb === undefined ? 'the settings name no MongoDB any more' : mongodb.message }
}

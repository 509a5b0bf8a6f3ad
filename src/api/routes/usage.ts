import type { z } from '@hono/zod-openapi'
import { given } from '../../lib/given.ts'
import { usageHints } from '../../records/usage-hints.ts'
import { ApiError, notFound } from '../api-error.ts'
import { keyId, type UsageParameters, usageParameters } from '../parameters.ts'
import { type Call, route } from '../route.ts'
import { keyUsageAnswer, usageAnswer } from '../schemas/usage.ts'
import { sameAs, scopeOf } from '../scope.ts'

const units =
  'Money is exact in `cost_picodollars`. `to` is exclusive. Without `from` the answer starts with the first call.'

const usage = route({
  path: '/usage',
  access: 'key',
  summary: 'Sums over calls, by group',
  description: `Requests, errors, tokens, cost and times: of all calls for the admin, of its own for a key. ${units}`,
  query: usageParameters,
  answer: usageAnswer,
  errors: [403, 503],
  handle: (call) => sums(call, call.query),
})

const ownParameters = usageParameters.omit({ key: true })

const self = route({
  path: '/usage/self',
  access: 'key',
  summary: 'Sums over the calls made with the key that is presented',
  description: `Present any key, a provider's own included, and see what was called with it. ${units}`,
  query: ownParameters,
  answer: keyUsageAnswer,
  errors: [400, 503],
  async handle(call) {
    if (call.identity.kind === 'admin')
      throw new ApiError(400, 'no_own_usage', 'the admin token makes no calls: ask /usage, or present a key')
    return await ofKey(call, call.identity.keyId)
  },
})

const byKey = route({
  path: '/usage/keys/{id}',
  access: 'key',
  summary: 'Sums over the calls made with one key',
  description: `For the admin, and for that key itself. ${units}`,
  params: { id: "the key's id, as records have it" },
  query: ownParameters,
  answer: keyUsageAnswer,
  errors: [404, 503],
  async handle(call) {
    const id = call.param('id')
    const theirs = call.identity.kind === 'admin' || call.identity.keyId === id
    if (!theirs || !keyId.safeParse(id).success) throw notFound('no key of this id is yours to see')
    return await ofKey(call, id)
  },
})

type OwnShape = (typeof ownParameters)['shape']

async function ofKey(call: Call<'key', OwnShape>, id: string): Promise<z.input<typeof keyUsageAnswer>> {
  const { name, project } = call.parts.settings.keys[id] ?? {}
  const key = { id, name: name ?? null, project: project ?? null }
  return { key, ...(await sums(call, { ...call.query, key: id })) }
}

async function sums(
  { identity, parts, ask }: Pick<Call<'key', OwnShape>, 'identity' | 'parts' | 'ask'>,
  asked: UsageParameters,
): Promise<z.input<typeof usageAnswer>> {
  const outcome = sameAs('outcome', asked.outcome, 'status', asked.status)
  const { project, filter } = scopeOf(identity, parts.clock, { ...asked, outcome })
  const answer = await ask((store) =>
    store.usage(project, {
      ...filter,
      ...given({ timeZone: asked.tz, operations: asked.operation, limit: asked.limit }),
      groupBy: asked.group_by ?? [],
    }),
  )
  return { ...answer, hints: usageHints(answer.totals) }
}

export const usageRoutes = [usage, self, byKey]

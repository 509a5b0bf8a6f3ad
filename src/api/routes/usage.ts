import type { z } from '@hono/zod-openapi'
import type { Identity } from '../../access/credentials.ts'
import { given } from '../../lib/given.ts'
import { usageHints } from '../../records/usage-hints.ts'
import { unpricedCalls } from '../../stores/unpriced.ts'
import { ApiError, notFound } from '../api-error.ts'
import { keyId, type UsageParameters, usageParameters } from '../parameters.ts'
import type { ApiParts } from '../parts.ts'
import { type Call, route } from '../route.ts'
import { keyUsageAnswer, unpricedAnswer, usageAnswer } from '../schemas/usage.ts'
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

const unpriced = route({
  path: '/usage/unpriced',
  access: 'key',
  summary: 'Calls without a price, and why',
  description:
    'How many calls are not in the cost, by model, with the reason that the newest of each was given. `sightglass prices` explains what the price lists have, `sightglass reprice` makes past costs again.',
  query: usageParameters.omit({ group_by: true, limit: true }),
  answer: unpricedAnswer,
  errors: [403, 503],
  async handle({ identity, parts, query: asked, ask }) {
    const { project, filter } = narrowed(identity, parts, asked)
    return await ask((store) => unpricedCalls(store, project, { ...filter, ...given({ operations: asked.operation }) }))
  },
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
  const { project, filter } = narrowed(identity, parts, asked)
  const answer = await ask((store) =>
    store.usage(project, {
      ...filter,
      ...given({ timeZone: asked.tz, operations: asked.operation, limit: asked.limit }),
      groupBy: asked.group_by ?? [],
    }),
  )
  return { ...answer, hints: usageHints(answer.totals) }
}

function narrowed(
  identity: Identity,
  { clock }: Pick<ApiParts, 'clock'>,
  asked: Omit<UsageParameters, 'group_by' | 'limit'>,
): ReturnType<typeof scopeOf> {
  const outcome = sameAs('outcome', asked.outcome, 'status', asked.status)
  return scopeOf(identity, clock, { ...asked, outcome })
}

export const usageRoutes = [usage, unpriced, self, byKey]

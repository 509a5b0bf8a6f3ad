import { z } from '@hono/zod-openapi'
import { within } from '../ask.ts'
import { cached } from '../cached.ts'
import { processMetrics } from '../metrics/process-metrics.ts'
import type { ApiParts } from '../parts.ts'
import { type ApiRoute, route } from '../route.ts'
import { metrics as metricsAnswer } from '../schemas/metrics.ts'

const textMs = 5_000
const sumsMs = 60_000

const query = z.object({
  format: z
    .enum(['prometheus', 'json'])
    .optional()
    .openapi({ description: 'instead of what `Accept` says; Prometheus text unless that wants JSON' }),
})

/** Numbers of this instance, for scrapers. */
export function metricsRoute(version: string): ApiRoute {
  const ofProcess = processMetrics(version)
  let answers: { text: () => Promise<string>; sums: () => Promise<z.input<typeof metricsAnswer>> } | undefined

  const made = (parts: ApiParts) => {
    answers ??= {
      text: cached(textMs, parts.clock, async () => {
        const [calls, status] = await Promise.all([parts.own.scrape(), within(2_000, parts.status())])
        return `${calls}\n${await ofProcess(status)}`
      }),
      sums: cached(sumsMs, parts.clock, () => sums(parts)),
    }
    return answers
  }

  return route({
    path: '/metrics',
    access: 'scraper',
    summary: 'Numbers of this instance: Prometheus text, or a few sums as JSON',
    description:
      'For the metrics token and the admin token. Text is at most 5 s old, JSON 60 s. Counters of calls go back to the making of the data directory; of projects, providers and models the 100 with the most calls have names, the rest of a provider is `other`.',
    query,
    answer: metricsAnswer,
    text: 'text/plain',
    errors: [503],
    async handle({ context, parts, query, ask }) {
      const format = query.format ?? formatOf(context.env.incoming.headers.accept ?? '')
      if (format === 'json') return await ask(made(parts).sums)
      const text = await ask(made(parts).text)
      return context.body(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    },
  })
}

async function sums(parts: ApiParts): Promise<z.input<typeof metricsAnswer>> {
  const nowMs = parts.clock.wall()
  const [calls, { services }] = await Promise.all([parts.own.sums(nowMs), within(2_000, parts.status())])
  return {
    timestamp: new Date(nowMs).toISOString(),
    ...calls,
    database_status: (services.mongodb ?? services.store).state === 'ok' ? 'connected' : 'fallback',
  }
}

const formatOf = (accept: string): 'prometheus' | 'json' =>
  /\bapplication\/json\b/i.test(accept) && !/\btext\/plain\b|\bopenmetrics\b/i.test(accept) ? 'json' : 'prometheus'

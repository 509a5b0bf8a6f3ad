import { z } from '@hono/zod-openapi'
import { callsText } from '../../records/usage-hints.ts'
import { within } from '../ask.ts'
import { cached } from '../cached.ts'
import type { ApiParts } from '../parts.ts'
import { type ApiRoute, route } from '../route.ts'

const countMs = 60_000

/** What a person sees who opens the proxy's address. */
export function startPageRoute(): ApiRoute {
  let estimated: (() => Promise<number | null>) | undefined
  const countOf = (parts: ApiParts): (() => Promise<number | null>) => {
    estimated ??= cached(countMs, parts.clock, async () => {
      try {
        return (await within(1_000, parts.store.usage(null, { groupBy: [] }))).totals.estimated
      } catch (error) {
        parts.failed(error, '/')
        return null // the page is there all the same
      }
    })
    return estimated
  }
  return route({
    path: '/',
    access: 'public',
    summary: 'What this is, for people',
    answer: z.string(),
    mediaType: 'text/html',
    async handle({ context, parts }) {
      if (!(context.env.incoming.headers.accept ?? '').includes('text/html'))
        return context.text(
          `Sightglass ${parts.version}, a transparent proxy for LLM traffic. Usage: /usage/self (present a key)\n`,
        )
      context.header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      return context.html(page(parts.version, await countOf(parts)()))
    },
  })
}

const page = (version: string, estimated: number | null): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sightglass</title>
<style>body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem } pre { overflow-x: auto }</style>
<h1>Sightglass</h1>
<p>A transparent proxy for LLM traffic, version ${version}. Calls that pass through here reach their provider unchanged,
and each leaves a record of tokens, times and cost.</p>
<h2>Point a client at it</h2>
<pre>export OPENAI_BASE_URL=&lt;this address&gt;/v1
export ANTHROPIC_BASE_URL=&lt;this address&gt;
export OLLAMA_HOST=&lt;this address&gt;</pre>
<h2>See what was used</h2>
<p>Whoever holds a key sees the calls made with it; the admin token sees all.</p>
<pre>curl -H "Authorization: Bearer $YOUR_KEY"    &lt;this address&gt;/usage/self?group_by=day,model
curl -H "Authorization: Bearer $YOUR_KEY"    &lt;this address&gt;/llm-history
curl -H "Authorization: Bearer $ADMIN_TOKEN" &lt;this address&gt;/usage?group_by=project,model
curl -H "Authorization: Bearer $ADMIN_TOKEN" &lt;this address&gt;/usage/unpriced</pre>
<p>Of the calls that are summed up, <code>unpriced</code> counts those that are not in the cost: <code>/usage/unpriced</code> says why.</p>
${estimated === null || estimated === 0 ? '' : estimateText(estimated)}<p><a href="/health">Health</a> · <a href="/openapi.json">Description of the API</a></p>
</html>
`

const estimateText = (calls: number): string => `<h2>Estimated tokens</h2>
<p>The provider reported no tokens for ${callsText(calls)}, so they were estimated. Many providers tell the usage of
a stream only to who asks: clients with <code>stream_options: {"include_usage": true}</code>, or the proxy for them with the setting</p>
<pre>upstreams:
  openai:
    include_usage: true    # or for one project, or INCLUDE_USAGE=true for all</pre>
`

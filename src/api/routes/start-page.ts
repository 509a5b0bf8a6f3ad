import { z } from '@hono/zod-openapi'
import { route } from '../route.ts'

/** What a person sees who opens the proxy's address. */
export const startPage = route({
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
    return context.html(page(parts.version))
  },
})

const page = (version: string): string => `<!doctype html>
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
<p>Of the calls that are summed up, <code>estimated</code> counts those whose tokens the provider did not report: the setting
<code>include_usage</code> has it report them for streams too. <code>unpriced</code> counts those that are not in the cost:
<code>/usage/unpriced</code> says why.</p>
<p><a href="/health">Health</a> · <a href="/openapi.json">Description of the API</a></p>
</html>
`

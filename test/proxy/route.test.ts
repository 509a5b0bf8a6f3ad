import { expect, it } from 'vitest'
import { targetFault } from '../../src/proxy/checks.ts'
import { always, answer } from '../support/answer.ts'
import { pipe } from '../support/pipe.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

async function everywhere() {
  const upstream = await scriptedUpstream(always(answer({ body: 'ok' })))
  const url = `http://127.0.0.1:${upstream.port}`
  const at = (provider: string) => ({ provider, url: `${url}/${provider}` })
  const proxy = await pipe({
    upstreams: {
      openai: at('openai'),
      anthropic: at('anthropic'),
      ollama: at('ollama'),
      groq: at('groq'),
      deepseek: at('deepseek'),
      deepinfra: at('deepinfra'),
      fireworks: at('fireworks'),
      perplexity: at('perplexity'),
      'azure-eu': { provider: 'azure', url: `${url}/azure-eu/openai` },
      google: at('google'),
      cohere: at('cohere'),
      'vllm-b': { provider: 'vllm', url: `${url}/vllm-b` },
    },
  })
  return {
    upstream,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await upstream.stop()
    },
  }
}

it.each([
  ['POST', '/v1/chat/completions', {}, '/openai/v1/chat/completions'],
  ['GET', '/v1/anything?x=1', {}, '/openai/v1/anything?x=1'],
  ['POST', '/v1/messages', {}, '/anthropic/v1/messages'],
  ['POST', '/v1/messages/count_tokens?beta=true', {}, '/anthropic/v1/messages/count_tokens?beta=true'],
  ['GET', '/v1/models', { 'anthropic-version': '2023-06-01' }, '/anthropic/v1/models'],
  ['POST', '/api/chat', {}, '/ollama/api/chat'],
  ['HEAD', '/api/blobs/sha256:ab', {}, '/ollama/api/blobs/sha256:ab'],
  ['HEAD', '/', {}, '/ollama/'],
  ['POST', '/v1beta/models/gemini-2.5-pro:generateContent', {}, '/google/v1beta/models/gemini-2.5-pro:generateContent'],
  ['POST', '/v1beta/openai/chat/completions', {}, '/google/v1beta/openai/chat/completions'],
  ['POST', '/upload/v1beta/files?uploadType=resumable', {}, '/google/upload/v1beta/files?uploadType=resumable'],
  ['POST', '/v1/models/m:generateContent', { 'x-goog-api-key': 'AIza' }, '/google/v1/models/m:generateContent'],
  ['POST', '/v1/interactions', { 'x-goog-api-key': 'AIza' }, '/google/v1/interactions'],
  ['POST', '/v1/models/m:generateContent?key=AIza', {}, '/google/v1/models/m:generateContent?key=AIza'],
  ['GET', '/v1/models/m', {}, '/openai/v1/models/m'],
  ['GET', '/v1/models/m', { 'x-goog-api-key': 'AIza' }, '/google/v1/models/m'],
  ['GET', '/v1/files?pageSize=1', { 'x-goog-api-key': 'AIza' }, '/google/v1/files?pageSize=1'],
  ['POST', '/v1/chat/completions', { 'x-goog-api-key': 'AIza' }, '/openai/v1/chat/completions'],
  ['POST', '/p/shop/v1beta/models/m:countTokens?key=AIza', {}, '/google/v1beta/models/m:countTokens?key=AIza'],
  ['POST', '/cohere/v2/chat', {}, '/cohere/v2/chat'],
  ['POST', '/v2/rerank', { 'x-provider': 'cohere' }, '/cohere/v2/rerank'],
  ['GET', '/', {}, '/ollama/'],
  ['POST', '/ollama/v1/chat/completions', {}, '/ollama/v1/chat/completions'],
  ['POST', '/groq/openai/v1/chat/completions', {}, '/groq/openai/v1/chat/completions'],
  ['POST', '/groq/v1/chat/completions', {}, '/groq/openai/v1/chat/completions'],
  [
    'POST',
    '/azure-eu/openai/deployments/d/embeddings?api-version=1',
    {},
    '/azure-eu/openai/deployments/d/embeddings?api-version=1',
  ],
  ['POST', '/azure-eu/v1/responses', {}, '/azure-eu/openai/v1/responses'],
  ['POST', '/vllm-b/v1/completions', {}, '/vllm-b/v1/completions'],
  ['GET', '/vllm-b', {}, '/vllm-b/'],
  ['POST', '/v1/chat/completions', { 'x-provider': 'Groq' }, '/groq/openai/v1/chat/completions'],
  ['POST', '/fireworks/inference/v1/chat/completions', {}, '/fireworks/inference/v1/chat/completions'],
  ['POST', '/fireworks/v1/chat/completions', {}, '/fireworks/inference/v1/chat/completions'],
  ['GET', '/fireworks/v1/accounts/acme/models?pageSize=5', {}, '/fireworks/v1/accounts/acme/models?pageSize=5'],
  ['POST', '/deepinfra/v1/openai/chat/completions', {}, '/deepinfra/v1/openai/chat/completions'],
  ['POST', '/deepinfra/v1/chat/completions?a=b', {}, '/deepinfra/v1/openai/chat/completions?a=b'],
  ['GET', '/deepinfra/v1/models/meta/x', {}, '/deepinfra/v1/openai/models/meta/x'],
  ['POST', '/deepinfra/v1/inference/meta/x', {}, '/deepinfra/v1/inference/meta/x'],
  ['POST', '/v1/chat/completions', { 'x-provider': 'deepinfra' }, '/deepinfra/v1/openai/chat/completions'],
  ['POST', '/perplexity/chat/completions', {}, '/perplexity/chat/completions'],
  ['POST', '/perplexity/v1/chat/completions', {}, '/perplexity/chat/completions'],
  ['POST', '/perplexity/v1/sonar', {}, '/perplexity/v1/sonar'],
  ['POST', '/v1/chat/completions', { 'x-provider': 'perplexity' }, '/perplexity/chat/completions'],
  ['POST', '/deepseek/chat/completions', {}, '/deepseek/chat/completions'],
  ['POST', '/deepseek/v1/chat/completions', {}, '/deepseek/v1/chat/completions'],
  ['POST', '/deepseek/beta/completions', {}, '/deepseek/beta/completions'],
  ['POST', '/deepseek/anthropic/v1/messages', {}, '/deepseek/anthropic/v1/messages'],
  ['POST', '/p/shop/v1/chat/completions', {}, '/openai/v1/chat/completions'],
  ['POST', '/p/shop/groq/v1/chat/completions?a=b', {}, '/groq/openai/v1/chat/completions?a=b'],
  ['POST', '/p/shop/api/generate', {}, '/ollama/api/generate'],
  ['PATCH', '/v1/x/..y/a%2Fb;c=d', {}, '/openai/v1/x/..y/a%2Fb;c=d'],
])('%s %s %o goes to %s', async (method, path, headers, expected) => {
  await using parts = await everywhere()
  await rawExchange(parts.proxy.port, requestBytes(method, path, Object.entries(headers)))
  expect(parts.upstream.requests.map(({ target }) => target)).toEqual([expected])
  expect((await parts.proxy.entry(0)).open.context.project).toBe(path.startsWith('/p/shop') ? 'shop' : 'default')
})

it.each([
  ['GET', '/health', {}, 200, 'ours'],
  ['GET', '/usage/self?x=1', {}, 200, 'ours'],
  ['GET', '/api/v1/metrics', {}, 200, 'ours'],
  ['GET', '/', { accept: 'text/html' }, 200, 'ours'],
  ['GET', '/nothing/here', {}, 200, 'ours'],
  ['POST', '/v1/x', { 'x-provider': 'nobody' }, 400, 'x-provider: nobody is not known; known are anthropic'],
  [
    'POST',
    '/azure/openai/v1/responses',
    {},
    404,
    'UPSTREAM_AZURE or by upstreams.azure.url in the settings, such as https://R',
  ],
  ['POST', '/v1/responses', { 'x-provider': 'azure' }, 404, 'Azure OpenAI has another address for each customer'],
  ['POST', '/chat/completions', {}, 404, 'Set OPENAI_BASE_URL=http://127.0.0.1:8484/v1'],
  ['POST', '/v1/v1/messages', {}, 404, 'ANTHROPIC_BASE_URL=http://127.0.0.1:8484'],
  ['GET', '/p/shop/usage', {}, 404, 'belongs to the proxy itself'],
  ['GET', '/p/shop/nothing', {}, 404, 'nothing is at /nothing'],
])('%s %s %o stays here: %i', async (method, path, headers, status, text) => {
  await using parts = await everywhere()
  const all = await rawExchange(parts.proxy.port, requestBytes(method, path, Object.entries(headers)))
  expect(all.status).toBe(status)
  expect(all.bodyText).toContain(text)
  expect(parts.upstream.requests).toEqual([])
})

it.each([
  'http://evil.test/v1/x',
  '//evil.test/x',
  '/\\evil.test/x',
  '/v1/../admin',
  '/v1/..',
  '/v1/%2e%2e/x',
  '/v1/%2E./x',
  '/v1/./x',
  '/v1/..;/x',
  '/v1/a%2f..%2fb',
  '/v1/a%2f%2e%2e',
  '/v1/%00',
  '/v1/%5c..',
  '/v1/x#y',
  '*',
])('refuses the target %s without asking anybody', async (target) => {
  expect(targetFault(target)).toMatchObject({ status: 400, code: 'invalid_path' })
  await using parts = await everywhere()
  const all = await rawExchange(parts.proxy.port, `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`)
  expect(all.status).toBe(400)
  expect(parts.upstream.requests).toEqual([])
})

it.each([
  ['two hosts', 'GET /v1/x HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400],
  ['no host', 'GET /v1/x HTTP/1.1\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /v1/x\r\n\r\n', 400],
  ['an odd coding', 'POST /v1/x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ['chunks in 1.0', 'POST /v1/x HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  [
    'two framings',
    'POST /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['TRACE', 'TRACE /v1/x HTTP/1.1\r\nhost: a\r\n\r\n', 405],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n', 405],
  ['too many headers', `GET /v1/x HTTP/1.1\r\nhost: a\r\n${'a: b\r\n'.repeat(1200)}\r\n`, 431],
  ['a giant header', `GET /v1/x HTTP/1.1\r\nhost: a\r\na: ${'b'.repeat(70_000)}\r\n\r\n`, 431],
  ['WebSocket', 'GET /v1/realtime HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n', 426],
])('refuses %s', async (_name, bytes, status) => {
  await using parts = await everywhere()
  const all = await rawExchange(parts.proxy.port, bytes)
  expect(all.status).toBe(status)
  expect(all.json).toMatchObject({ error: { type: 'invalid_request_error' } })
  expect(parts.upstream.requests).toEqual([])
})

it('says what a default upstream without an address lacks', async () => {
  await using proxy = await pipe({ defaultProvider: 'azure' })
  const all = await rawExchange(proxy.port, requestBytes('POST', '/v1/responses', []))
  expect(all.status).toBe(404)
  expect(all.json).toMatchObject({ error: { code: 'upstream_without_url' } })
})

it('serves a client that merely offers HTTP/2', async () => {
  await using parts = await everywhere()
  const offer = 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAAA\r\n'
  const all = await rawExchange(parts.proxy.port, `GET /v1/models HTTP/1.1\r\nhost: a\r\n${offer}\r\n`)
  expect(all.bodyText).toBe('ok')
  expect(parts.upstream.requests[0]!.header('upgrade')).toBeNull()
})

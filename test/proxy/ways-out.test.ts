import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pipe } from '../support/pipe.ts'
import { rawExchange, requestBytes } from '../support/raw-client.ts'

const tls = join(import.meta.dirname, '..', 'support', 'tls')
const caFile = join(tls, 'ca.pem')

async function listening<T extends Server>(server: T): Promise<T & AsyncDisposable & { port: number }> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(server, {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  })
}

const secureUpstream = () =>
  listening(
    createTlsServer(
      { cert: readFileSync(join(tls, 'server.pem')), key: readFileSync(join(tls, 'server-key.pem')) },
      (request, response) => response.end(`secure ${request.url} ${request.headers.host}`),
    ),
  )

/** A forward proxy that tunnels, and remembers where to. */
async function tunnelProxy() {
  const targets: string[] = []
  const sockets: Socket[] = []
  const server = await listening(createServer((_request, response) => response.writeHead(500).end('no tunnel')))
  server.on('connect', (request, client: Socket) => {
    targets.push(request.url ?? '')
    const [host, port] = (request.url ?? '').split(':')
    const far = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      far.pipe(client).pipe(far)
    })
    sockets.push(client, far)
    for (const socket of [client, far]) socket.on('error', () => socket.destroy())
  })
  return Object.assign(server, {
    targets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
}

it('trusts a private authority when it is told to, for all upstreams or for one', async () => {
  await using upstream = await secureUpstream()
  const url = `https://127.0.0.1:${upstream.port}`
  for (const settings of [
    { caFile, upstreams: { openai: { provider: 'openai', url } } },
    { upstreams: { openai: { provider: 'openai', url, caFile } } },
  ]) {
    await using proxy = await pipe(settings)
    const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
    expect(all.bodyText).toBe(`secure /v1/models 127.0.0.1:${upstream.port}`)
  }
})

it('answers 502 with the setting to look at when the certificate is not trusted', async () => {
  await using upstream = await secureUpstream()
  const url = `https://127.0.0.1:${upstream.port}`
  await using proxy = await pipe({ upstreams: { openai: { provider: 'openai', url } } })
  const all = await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))
  expect(all).toMatchObject({ status: 502, json: { error: { code: 'upstream_certificate' } } })
  expect(all.bodyText).toContain('ca_file')
})

it('goes out through HTTPS_PROXY, but not where NO_PROXY or the upstream says direct', async () => {
  await using upstream = await secureUpstream()
  await using way = await tunnelProxy()
  const url = `https://127.0.0.1:${upstream.port}`
  const httpsProxy = `http://127.0.0.1:${way.port}`
  const ask = async (overrides: Parameters<typeof pipe>[0]): Promise<string> => {
    await using proxy = await pipe({ caFile, ...overrides })
    return (await rawExchange(proxy.port, requestBytes('GET', '/v1/models'))).bodyText
  }
  const secure = `secure /v1/models 127.0.0.1:${upstream.port}`
  expect(await ask({ httpsProxy, upstreams: { openai: { provider: 'openai', url } } })).toBe(secure)
  expect(way.targets).toEqual([`127.0.0.1:${upstream.port}`])
  expect(await ask({ httpsProxy, noProxy: '127.0.0.1', upstreams: { openai: { provider: 'openai', url } } })).toBe(
    secure,
  )
  expect(await ask({ httpsProxy, upstreams: { openai: { provider: 'openai', url, proxy: 'direct' } } })).toBe(secure)
  expect(way.targets).toHaveLength(1)
  expect(await ask({ upstreams: { openai: { provider: 'openai', url, proxy: httpsProxy } } })).toBe(secure)
  expect(way.targets).toHaveLength(2)
})

it('believes x-forwarded-for from trusted proxies only, and never sends it on', async () => {
  const seen: string[] = []
  await using upstream = await listening(
    createServer((request, response) => {
      seen.push(String(request.headers['x-forwarded-for']))
      response.end('ok')
    }),
  )
  const ask = async (trustedProxies: string[], forwarded: string): Promise<string> => {
    await using proxy = await pipe({ trustedProxies, upstreams: { openai: upstream.port } })
    await rawExchange(proxy.port, requestBytes('GET', '/v1/models', [['X-Forwarded-For', forwarded]]))
    return (await proxy.entry(0)).open.clientIp
  }
  expect(await ask([], '203.0.113.9')).toBe('127.0.0.1')
  expect(await ask(['127.0.0.0/8'], '203.0.113.9')).toBe('203.0.113.9')
  expect(await ask(['127.0.0.1', '10.0.0.0/8'], '1.1.1.1, 203.0.113.9, 10.2.3.4')).toBe('203.0.113.9')
  expect(await ask(['127.0.0.1'], 'nonsense')).toBe('127.0.0.1')
  expect(new Set(seen)).toEqual(new Set(['undefined']))
})

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { spawnProxy } from '../test/support/spawn-proxy.ts'
import { residentMib } from './machine.ts'
import { median } from './measure.ts'

/** From the start of the process to the first byte of a call through it: `node scripts/run.mjs bench/start-up.ts [STARTS]`. */
const starts = Number(process.argv[2] ?? 9)
const upstream = createServer((request, response) => {
  request.resume()
  response.end('{}')
}).listen(0, '127.0.0.1')
await new Promise((resolve) => upstream.once('listening', resolve))
const took: number[] = []
const memory: number[] = []
for (let start = 0; start <= starts; start++) {
  const from = performance.now()
  const proxy = await spawnProxy({
    upstreams: { openai: (upstream.address() as AddressInfo).port },
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' },
  })
  const response = await fetch(`${proxy.url}/v1/models`)
  if (response.status !== 200) throw new Error(`the first call was answered ${response.status}`)
  // the first start fills the cache of compiled sources
  if (start > 0) took.push(performance.now() - from)
  memory.push(residentMib([proxy.pid]))
  await proxy.stop()
}
upstream.close()
console.log(
  `start to first proxied byte: median ${median(took).toFixed(0)} ms, slowest ${Math.max(...took).toFixed(0)} ms of ${starts} starts; ${median(memory).toFixed(0)} MiB after it`,
)

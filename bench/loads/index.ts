import { createHash } from 'node:crypto'
import { answer, question, streamQuestion } from '../upstreams/answers.ts'
import { type Load, toJson, toStreams, toTls } from './load.ts'

const sha1 = (text: string | Buffer): string => createHash('sha1').update(text).digest('hex')
const path = '/v1/chat/completions'
const small = { method: 'POST', path, body: { text: question, times: 1 }, sha1: sha1(answer) }
const stream = { method: 'POST', body: { text: streamQuestion, times: 1 }, sha1: null }
const large = (bytes: number) => ({
  ...small,
  body: { text: `${question.slice(0, -1)},"pad":"${'x'.repeat(bytes)}"}`, times: 1 },
})

/** Subjects whose difference one load is enough to show. */
const besides = ['sightglass, mongodb', 'sightglass, recorder paused']

/** The loads, in the order in which they run. */
export const loads: readonly Load[] = [
  {
    name: 'json-1',
    about: 'small JSON calls over one connection',
    core: true,
    seconds: 1.2,
    without: besides,
    target: toJson,
    job: { ...small, kind: 'closed', connections: 1 },
  },
  {
    name: 'json-64',
    about: 'small JSON calls over 64 connections',
    core: true,
    seconds: 2,
    target: toJson,
    job: { ...small, kind: 'closed', connections: 64 },
  },
  {
    name: 'json-512',
    about: 'small JSON calls over 512 connections',
    core: false,
    seconds: 4,
    target: toJson,
    job: { ...small, kind: 'closed', connections: 512 },
  },
  {
    name: 'json-1000-a-second',
    about: 'small JSON calls, 1,000 a second whatever comes back',
    core: true,
    seconds: 2,
    without: besides,
    target: toJson,
    job: { ...small, kind: 'open', connections: 16, rate: 1000 },
    warmUp: { ...small, kind: 'closed', connections: 64 },
  },
  {
    name: 'request-100k',
    about: 'requests of 100 kB, 16 connections',
    core: false,
    seconds: 3,
    target: toJson,
    job: { ...large(100_000), kind: 'closed', connections: 16 },
  },
  {
    name: 'request-1m',
    about: 'requests of 1 MB, 8 connections',
    core: false,
    seconds: 4,
    target: toJson,
    job: { ...large(1_000_000), kind: 'closed', connections: 8 },
  },
  {
    name: 'json-tls-64',
    about: 'small JSON calls, HTTPS to the upstream, 64 connections',
    core: false,
    seconds: 3,
    target: toTls,
    without: ['direct'],
    job: { ...small, kind: 'closed', connections: 64 },
  },
  {
    name: 'streams-400',
    about: '400 connections with streams of 200 chunks, 50 chunks a second each: 20,000 chunks a second',
    core: true,
    seconds: 5,
    without: besides,
    target: toStreams,
    job: { ...stream, kind: 'streams', path: `${path}?chunks=200&everyMs=20`, connections: 400 },
    warmUp: { ...stream, kind: 'streams', path: `${path}?chunks=200&everyMs=0`, connections: 64 },
  },
  {
    name: 'burst',
    about: 'streams of 1,000 chunks without pauses, 8 connections',
    core: false,
    seconds: 4,
    target: toStreams,
    job: { ...stream, kind: 'streams', path: `${path}?chunks=1000&everyMs=0`, connections: 8 },
  },
  {
    name: 'ndjson-100',
    about: "100 connections with Ollama's lines, 50 a second each",
    core: false,
    seconds: 6,
    target: (upstreams) => ({ ...toStreams(upstreams), ollama: true }),
    without: ['portkey', 'litellm'],
    job: { ...stream, kind: 'streams', path: '/api/chat?chunks=100&everyMs=20', connections: 100 },
  },
  {
    name: 'idle-2000',
    about: '2,000 open streams that say one thing every ten seconds: memory',
    core: false,
    seconds: 1,
    once: true,
    target: toStreams,
    job: { ...stream, kind: 'idle', path: `${path}?chunks=3&everyMs=10000`, connections: 2000 },
  },
  {
    name: 'slow-readers',
    about: '32 readers of 64 MiB at 8 MB/s each: memory',
    core: false,
    seconds: 1,
    once: true,
    target: toStreams,
    job: {
      ...stream,
      kind: 'slow',
      path: `${path}?mib=64`,
      sha1: sha1(Buffer.alloc(64 << 20, 'x')),
      connections: 32,
      bytesPerSecond: 8_000_000,
    },
  },
]

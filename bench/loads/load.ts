import type { Job } from '../client/job.ts'
import type { Target } from '../subjects/subject.ts'
import type { Upstreams } from '../upstreams/index.ts'

export type LoadJob = Omit<Job, 'host' | 'port' | 'seconds' | 'headers'> & {
  headers?: Readonly<Record<string, string>>
}

/** One kind of traffic, sent through every subject in turn. */
export interface Load {
  readonly name: string
  readonly about: string
  /** In the usual run; others need `--full`. */
  readonly core: boolean
  readonly seconds: number
  /** Left out where a subject cannot do it, by name. */
  readonly without?: readonly string[]
  /** One round is enough: memory is measured, or the load takes long. */
  readonly once?: boolean
  target(upstreams: Upstreams): Target
  job: LoadJob
  /** The same calls, faster: what a load of few calls is warmed up with, so that the compiler is done before it is measured. */
  warmUp?: LoadJob
}

export const toJson = ({ jsonPort, caFile }: Upstreams): Target => ({
  scheme: 'http',
  port: jsonPort,
  caFile,
  ollama: false,
})
export const toTls = ({ tlsPort, caFile }: Upstreams): Target => ({
  scheme: 'https',
  port: tlsPort,
  caFile,
  ollama: false,
})
export const toStreams = ({ streamPort, caFile }: Upstreams): Target => ({
  scheme: 'http',
  port: streamPort,
  caFile,
  ollama: false,
})

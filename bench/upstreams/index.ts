import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { eventually } from '../../test/support/within.ts'
import { cores, type Pinned, pinned } from '../machine.ts'
import { nginxConfiguration } from '../subjects/nginx-configuration.ts'
import { answer } from './answers.ts'

/** The servers behind the subjects: nginx for answers that are ready, a process of ours for streams. */
export interface Upstreams {
  readonly jsonPort: number
  readonly tlsPort: number
  /** The authority that vouches for the TLS port. */
  readonly caFile: string
  readonly streamPort: number
  stop(): Promise<void>
}

export async function startUpstreams(): Promise<Upstreams> {
  const directory = mkdtempSync(join(tmpdir(), 'sightglass-bench-upstream-'))
  const certificate = makeCertificate(directory)
  const [jsonPort, tlsPort] = [await freePort(), await freePort()]
  const file = join(directory, 'nginx.conf')
  const location = `location / { default_type application/json; return 200 '${answer}'; }`
  writeFileSync(
    file,
    nginxConfiguration(
      directory,
      `server { listen 127.0.0.1:${jsonPort} backlog=4096; ${location} }
       server { listen 127.0.0.1:${tlsPort} ssl backlog=4096; ssl_certificate ${certificate.file}; ssl_certificate_key ${certificate.key}; ${location} }`,
    ),
  )
  const started: Pinned[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const nginx = pinned('nginx', ['-c', file], { core: cores.load })
    started.push(nginx)
    const streams = pinned(process.execPath, [join(import.meta.dirname, 'streams.ts')], { core: cores.load, ipc: true })
    started.push(streams)
    const [streamPort] = (await once(streams.child, 'message')) as [number]
    await answering(jsonPort, nginx)
    return { jsonPort, tlsPort, caFile: certificate.file, streamPort, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits until something answers HTTP there; tells what a program that ended had to say. */
export async function answering(port: number, program: Pinned, path = '/'): Promise<void> {
  await eventually(
    `an answer on port ${port}`,
    async () => {
      if (program.child.exitCode !== null) throw new Error(`it ended by itself:\n${program.output()}`)
      return fetch(`http://127.0.0.1:${port}${path}`).then(
        (response) => response.arrayBuffer().then(() => true),
        () => false,
      )
    },
    60_000,
    100,
  )
}

function makeCertificate(directory: string): { file: string; key: string } {
  const [file, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')]
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', file],
    ],
    { stdio: 'ignore' },
  )
  return { file, key }
}

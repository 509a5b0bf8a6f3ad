import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/free-port.ts'
import { cores, has, pinned } from '../machine.ts'
import { answering } from '../upstreams/index.ts'
import { nginxConfiguration } from './nginx-configuration.ts'
import type { Subject } from './subject.ts'

/** `proxy_pass` with one worker, kept connections, nothing buffered. */
export const nginx: Subject = {
  name: 'nginx',
  unavailable: () => (has('nginx') ? null : 'nginx is not installed'),
  async start({ scheme, port, caFile }) {
    const directory = mkdtempSync(join(tmpdir(), 'sightglass-bench-nginx-'))
    const own = await freePort()
    const file = join(directory, 'nginx.conf')
    const tls = `proxy_ssl_trusted_certificate ${caFile}; proxy_ssl_verify on; proxy_ssl_name 127.0.0.1; proxy_ssl_session_reuse on;`
    writeFileSync(
      file,
      nginxConfiguration(
        directory,
        `upstream target { server 127.0.0.1:${port}; keepalive 4096; keepalive_requests 1000000000; }
         server { listen 127.0.0.1:${own} backlog=4096; location / {
           proxy_pass ${scheme}://target; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
           proxy_buffering off; proxy_request_buffering off; ${scheme === 'https' ? tls : ''} } }`,
      ),
    )
    const program = pinned('nginx', ['-c', file], { core: cores.subject })
    await answering(own, program)
    return {
      port: own,
      pid: program.pid,
      async stop() {
        await program.stop()
        rmSync(directory, { recursive: true, force: true })
      },
    }
  },
}

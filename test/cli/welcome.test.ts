import { describe, expect, it } from 'vitest'
import { welcomeText } from '../../src/cli/welcome.ts'
import { load } from '../settings/support.ts'

const running = { adminToken: 'sga_the-token', adminTokenMade: true, adminTokenPath: '/srv/data/admin-token' }
const url = 'http://127.0.0.1:8484'

describe('the lines at the start', () => {
  it('say how to point each client at it', () => {
    const text = welcomeText({ url, settings: load().settings, running, onTerminal: true })
    expect(text).toContain(`export OPENAI_BASE_URL=${url}/v1\n`)
    expect(text).toContain(`export ANTHROPIC_BASE_URL=${url}\n`)
    expect(text).toContain(`export OLLAMA_HOST=${url}\n`)
  })

  it('show the admin token the first time on a terminal, and its place otherwise', () => {
    const { settings } = load()
    const shown = (made: boolean, onTerminal: boolean) =>
      welcomeText({ url, settings, running: { ...running, adminTokenMade: made }, onTerminal })
    expect(shown(true, true)).toContain(running.adminToken)
    for (const text of [shown(true, false), shown(false, true)]) {
      expect(text).not.toContain(running.adminToken)
      expect(text).toContain(running.adminTokenPath)
    }
  })

  it('never show a token that was given', () => {
    const { settings } = load({ env: { ADMIN_TOKEN: 'given-admin-token' } })
    const own = { ...running, adminToken: 'given-admin-token', adminTokenMade: false }
    expect(welcomeText({ url, settings, running: own, onTerminal: true })).not.toContain('given-admin-token')
  })

  it('warn when others reach the address', () => {
    const { settings } = load({ env: { HOST: '0.0.0.0', AUTH: 'open' } })
    const warning = 'Everyone who reaches this address may call'
    expect(welcomeText({ url, settings, running, onTerminal: true })).toContain(warning)
    expect(welcomeText({ url, settings: load().settings, running, onTerminal: true })).not.toContain(warning)
  })
})

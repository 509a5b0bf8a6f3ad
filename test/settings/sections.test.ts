import { describe, expect, it } from 'vitest'
import { load, problemsOf } from './support.ts'

describe('upstreams', () => {
  it('are named with their provider, address and limits', () => {
    const yaml = `upstreams:
  vllm-b:
    provider: vllm
    url: http://127.0.0.1:8001/v1/
    header_wait: 20m
    on_disconnect: drain
    proxy: direct
`
    const { settings, provenance } = load({ yaml })
    expect(settings.upstreams).toEqual({
      'vllm-b': {
        provider: 'vllm',
        url: 'http://127.0.0.1:8001',
        headerWaitMs: 1_200_000,
        onDisconnect: 'drain',
        proxy: 'direct',
      },
    })
    expect(provenance.get('upstreams.vllm-b')).toBe('config/sightglass.yaml:2')
  })

  it('need neither provider nor address under the name of a provider', () => {
    const { settings } = load({ yaml: 'upstreams: {ollama: {idle_wait: 1h}}' })
    expect(settings.upstreams).toEqual({
      ollama: { provider: 'ollama', url: 'http://127.0.0.1:11434', idleMs: 3_600_000 },
    })
  })

  it.each([
    ['http://127.0.0.1:9999', 'http://127.0.0.1:9999'],
    ['http://127.0.0.1:9999/', 'http://127.0.0.1:9999'],
    ['http://127.0.0.1:9999/v1', 'http://127.0.0.1:9999'],
    ['https://gateway.example/team/v1/', 'https://gateway.example/team'],
  ])('take UPSTREAM_OPENAI=%s', (given, url) => {
    const { settings, provenance } = load({ env: { UPSTREAM_OPENAI: given } })
    expect(settings.upstreams).toEqual({ openai: { provider: 'openai', url } })
    expect(provenance.get('upstreams.openai.url')).toBe('UPSTREAM_OPENAI')
  })

  it('keep what the file says when the environment changes their address', () => {
    const yaml = 'upstreams: {vllm-b: {provider: vllm, url: "http://one", header_wait: 5s}, other: {provider: openai}}'
    const { settings } = load({ yaml, env: { UPSTREAM_VLLM_B: 'http://two', UPSTREAM_OTHER: 'http://three' } })
    expect(settings.upstreams).toEqual({
      'vllm-b': { provider: 'vllm', url: 'http://two', headerWaitMs: 5_000 },
      other: { provider: 'openai', url: 'http://three' },
    })
  })

  it('are made by a variable that begins with a provider, and by no other', () => {
    expect(load({ env: { UPSTREAM_VLLM_C: 'http://c' } }).settings.upstreams).toEqual({
      'vllm-c': { provider: 'vllm', url: 'http://c' },
    })
    expect(problemsOf({ env: { UPSTREAM_MINE: 'http://c' } })[0]).toContain('UPSTREAM_<PROVIDER>_MINE')
  })

  it('are not confused by the variables a cluster sets for a service called upstream', () => {
    const { settings, warnings } = load({
      env: { UPSTREAM_PORT: 'tcp://10.0.0.1:80', UPSTREAM_SERVICE_HOST: '10.0.0.1' },
    })
    expect(settings.upstreams).toEqual({})
    expect(warnings).toHaveLength(2)
  })

  it.each([
    ['x: {provider: vlm, url: "http://x"}', 'did you mean vllm?'],
    ['x: {provider: vllm}', 'wants a url'],
    ['x: {provider: vllm, url: "ftp://x"}', 'upstreams.x.url = "ftp://x"'],
    ['x: {provider: vllm, url: "http://u:p@x"}', 'without user, query or fragment'],
    ['x: {provider: vllm, url: "http://x?y=1"}', 'without user, query or fragment'],
    ['x: {provider: vllm, url: "http://x", timeout: 5s}', 'upstreams.x.timeout'],
    ['x: {provider: vllm, url: "http://x", proxy: none}', 'wants the word direct'],
    ['x: {provider: vllm, url: "http://x", ca_file: gone.pem}', 'ENOENT'],
    ['X!: {provider: vllm, url: "http://x"}', 'wants small letters'],
    ['v1: {provider: vllm, url: "http://x"}', 'means something else'],
    ['usage: {provider: vllm, url: "http://x"}', 'means something else'],
    ['openai: {provider: vllm, url: "http://x"}', "is the provider openai's own"],
    ['x: http://x', 'wants settings of its own'],
  ])('are refused as %s', (entry, message) => {
    const problems = problemsOf({ yaml: `upstreams:\n  ${entry}\n` })
    expect(problems.join('\n')).toContain(message)
    expect(problems.join('\n')).toContain('config/sightglass.yaml:2')
  })

  it('show a wrong address once, not also as a missing one', () => {
    expect(problemsOf({ yaml: 'upstreams: {x: {provider: vllm, url: "ftp://x"}}' })).toHaveLength(1)
  })
})

describe('capture rules', () => {
  it('are read in their order', () => {
    const yaml =
      'capture:\n  rules:\n    - {project: legal, request: off}\n    - {provider: openai, path: /v1/emb, response: metadata}\n'
    expect(load({ yaml }).settings.captureRules).toEqual([
      { project: 'legal', request: 'off' },
      { provider: 'openai', path: '/v1/emb', response: 'metadata' },
    ])
  })

  it.each([
    ['{project: a}', 'says neither request nor response'],
    ['{provider: other, request: off}', 'wants a known provider'],
    ['{path: v1, request: off}', 'wants the beginning of a path'],
    ['{request: some}', 'wants one of full, metadata, off'],
    ['{projct: a, request: off}', 'did you mean capture.rules[0].project?'],
  ])('are refused as %s', (rule, message) => {
    expect(problemsOf({ yaml: `capture:\n  rules:\n    - ${rule}\n` }).join('\n')).toContain(message)
  })
})

describe('projects and keys', () => {
  const digits = '12345678901234567890123456789012'

  it('are read by name and by fingerprint, also one of digits alone', () => {
    const yaml = `projects: {checkout: {name: Checkout assistant}, plain: }\nkeys: {${digits}: {project: checkout, name: CI}}`
    const { settings } = load({ yaml })
    expect(settings.projects).toEqual({ checkout: { name: 'Checkout assistant' }, plain: {} })
    expect(settings.keys).toEqual({ [digits]: { project: 'checkout', name: 'CI' } })
  })

  it('say whether streams are asked for their usage', () => {
    const yaml =
      'projects: {a: {include_usage: true}, b: {include_usage: "FALSE"}}\nupstreams: {openai: {include_usage: true}}'
    const { settings } = load({ yaml })
    expect(settings.projects).toEqual({ a: { includeUsage: true }, b: { includeUsage: false } })
    expect(settings.upstreams.openai!.includeUsage).toBe(true)
    expect(settings.upstreamDefaults.includeUsage).toBe(false)
    expect(load({ env: { INCLUDE_USAGE: 'true' } }).settings.upstreamDefaults.includeUsage).toBe(true)
    expect(problemsOf({ yaml: 'projects: {a: {include_usage: perhaps}}' })[0]).toContain('wants true or false')
  })

  it('have one name in whatever letters they are written, as calls do', () => {
    const yaml = `projects: {Checkout: {name: x}}\nkeys: {${digits}: {project: CHECKOUT}}\ncapture: {rules: [{project: Checkout, request: off}]}`
    const { settings } = load({ yaml })
    expect(Object.keys(settings.projects)).toEqual(['checkout'])
    expect(settings.keys[digits]).toEqual({ project: 'checkout' })
    expect(settings.captureRules[0]).toMatchObject({ project: 'checkout' })
    expect(problemsOf({ yaml: 'projects: {a: {name: x}, A: {name: y}}' })[0]).toContain('is set twice')
  })

  it('are refused under names that no call could carry', () => {
    expect(problemsOf({ yaml: 'projects: {"a b": {name: x}}' })[0]).toContain('projects: name = "a b"')
    expect(problemsOf({ yaml: 'keys: {sk-123: {name: x}}' })[0]).toContain('wants a key fingerprint of 32 hex digits')
    expect(problemsOf({ yaml: `keys: {${digits}: {project: "a b"}}` })[0]).toContain('letters, digits')
  })
})

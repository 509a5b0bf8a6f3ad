import { describe, expect, it } from 'vitest'
import { createLog, type LogOptions } from '../../src/lib/log.ts'

function logged(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const log = createLog({ level: 'debug', format: 'json', write: (line) => lines.push(line), ...options })
  return { log, lines, events: () => lines.map((line) => JSON.parse(line)) }
}

describe('a log line', () => {
  it('is one JSON object with time, level, message and fields', () => {
    const { log, lines, events } = logged()
    log.warn('sink refused batch', { sink: 'sqlite', records: 3 })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{.*\}\n$/)
    expect(events()[0]).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      msg: 'sink refused batch',
      sink: 'sqlite',
      records: 3,
    })
  })

  it('keeps its own time, level and message when fields have these names', () => {
    const { log, lines, events } = logged()
    log.info('real', { msg: 'other', level: 9, time: 1 })
    expect(lines[0]!.match(/"msg":/g)).toHaveLength(1)
    expect(events()[0]).toMatchObject({ msg: 'real', level: 'info', msg_: 'other', level_: 9, time_: 1 })
  })

  it('is left out below the level', () => {
    const { log, events } = logged({ level: 'warn' })
    log.debug('one')
    log.info('two')
    log.warn('three')
    log.error('four')
    expect(events().map(({ msg }) => msg)).toEqual(['three', 'four'])
  })

  it('is one readable line where people read it', () => {
    const { log, lines } = logged({ format: 'pretty', fields: { thread: 'recorder' } })
    log.info('stored', { records: 3, path: '/a b', error: new Error('no') })
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}stored {2}thread=recorder records=3 path="\/a b" error=\{"message":"no"\}\n$/,
    )
  })

  it('cannot be broken in two or painted by what it holds', () => {
    const { log, lines } = logged({ format: 'pretty' })
    log.info('bad\n09:00:00 error forged', { name: '\u001b[31mred' })
    expect(lines[0]!.trimEnd().split('\n')).toHaveLength(1)
    expect(lines[0]).not.toContain('\u001b')
  })
})

describe('what must not be logged', () => {
  it.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'x-api-key',
    'apiKey',
    'api_key',
    'x-goog-api-key',
    'adminToken',
    'access_token',
    'cookie',
    'set-cookie',
    'password',
    'pepper',
    'clientSecret',
  ])('is masked in the field %s, at any depth', (name) => {
    const { log, lines } = logged()
    log.info('x', { [name]: 'canary', headers: [{ [name]: ['canary'] }] })
    expect(lines[0]).not.toContain('canary')
    expect(lines[0]).toContain('***')
  })

  it('leaves counts of tokens and names of keys alone', () => {
    const { log, events } = logged()
    log.info('x', { input_tokens: 5, tokens: 7, key_id: 'abc', tokenSource: 'reported' })
    expect(events()[0]).toMatchObject({ input_tokens: 5, tokens: 7, key_id: 'abc', tokenSource: 'reported' })
  })

  it('is masked within texts: keys, credentials of addresses, bearer tokens', () => {
    const { log, lines } = logged()
    const error = new Error('GET http://me:canary1@host/x?key=canary2 with Bearer canary3canary and sk-canary4canary4')
    log.error('failed for sk-proj-canary5canary5', { error })
    expect(lines[0]).not.toMatch(/canary/)
  })

  it('holds no bodies: bytes and what was said appear as their length', () => {
    const { log, events } = logged()
    log.info('x', { body: 'hello', prompt: 'hello', bytes: Buffer.from('hello'), long: 'y'.repeat(10_000) })
    expect(events()[0]).toMatchObject({ body: '<5 characters>', prompt: '<5 characters>', bytes: '<5 bytes>' })
    expect(events()[0].long.length).toBeLessThan(2_100)
  })

  it('takes message, code and cause of an error, and nothing else of it', () => {
    const { log, events } = logged()
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', socket: { secret: 1 } })
    log.error('upstream failed', { error: new Error('fetch failed', { cause }) })
    expect(events()[0].error).toEqual({
      message: 'fetch failed',
      cause: { message: 'refused', code: 'ECONNREFUSED' },
    })
  })

  it('never makes the logging part fail, whatever it is given', () => {
    const { log, lines } = logged()
    const ring: Record<string, unknown> = { big: 10n, at: new Date(Number.NaN), run: () => 1, map: new Map([['a', 1]]) }
    ring.self = ring
    log.info('x', ring)
    expect(lines).toHaveLength(1)
  })
})

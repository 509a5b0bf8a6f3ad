import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadProviders } from '../../../providers/index.ts'
import { priceAgain } from '../../../src/meter/price-again.ts'
import { loadPrices } from '../../../src/meter/prices.ts'
import { startTokenCounter } from '../../../src/meter/tokens.ts'
import { recordMaker } from '../../../src/pipeline/records.ts'
import type { KeptCall } from '../../../src/pipeline/stored-exchange.ts'
import { uncounted } from '../../../src/pipeline/uncounted.ts'
import type { Check } from '../../../src/pipeline/verify/check.ts'
import { decidedBy } from '../../../src/pipeline/verify/fields.ts'
import { type VerifyParts, verifyRecord } from '../../../src/pipeline/verify/verify-record.ts'
import type { Capture, Exchange, Piece } from '../../../src/records/exchange.ts'
import type { Provider } from '../../../src/records/provider.ts'
import type { StoredRecord } from '../../../src/records/stored.ts'
import { plainBytes, timesOfPieces } from '../../../src/stores/kept-bytes.ts'
import { loadSample, loadSamples } from '../../support/samples.ts'
import { exchangeOfSample } from '../sample-exchange.ts'

const samples = loadSamples()
const prices = loadPrices()
const tokens = startTokenCounter()
let providers: ReadonlyMap<string, Provider>
let parts: VerifyParts
beforeAll(async () => {
  providers = await loadProviders()
  parts = { providers, prices, tokens }
})
afterAll(() => tokens.close())

interface Making {
  capture?: Capture
  bodyLimitBytes?: number
  /** The call that told the same answer before. */
  counted?: string
}

/** The record as the recorder makes it, and as it comes back from a store. */
async function recorded(exchange: Exchange, { capture = 'full', bodyLimitBytes = 1 << 20, counted }: Making = {}) {
  const make = recordMaker({
    ...{ instance: 'here', providers, prices, tokens, pepper: 'pepper', bodyLimitBytes },
    projectNames: new Map([['acme', 'The Acme']]),
  })
  const open = { ...exchange.open, captureRequest: capture, captureResponse: capture }
  const record = await make({ ...exchange, open })
  return kept(counted === undefined ? record : uncounted(record, counted))
}

function kept({ telemetry, run, requestBytes, responseBytes, chunkTimes }: StoredRecord): KeptCall {
  return {
    telemetry: JSON.parse(JSON.stringify(telemetry)),
    run: JSON.parse(JSON.stringify(run)),
    requestBytes: requestBytes && plainBytes(requestBytes, run.request_body),
    responseBytes: responseBytes && plainBytes(responseBytes, run.response_body),
    chunkTimes: chunkTimes && timesOfPieces(chunkTimes),
  }
}

const verdict = (checks: readonly Check[]) => Object.fromEntries(checks.map(({ what, state }) => [what, state]))
const found = (checks: readonly Check[]) => checks.flatMap(({ differences }) => differences)

describe(`the records of ${samples.length} samples`, () => {
  it.each(samples)('$name: every field that can be made again is the same', async (sample) => {
    const checks = await verifyRecord(await recorded(exchangeOfSample(sample)), parts)
    expect(found(checks)).toEqual([])
    expect(Object.values(verdict(checks))).toEqual(Array(10).fill('same'))
  })

  it('are never said to differ, wherever the pieces are cut and whatever is kept', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...samples),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }),
        fc.constantFrom<Capture>('full', 'full', 'metadata'),
        fc.constantFrom(1 << 20, 1 << 20, 200, 17),
        async (sample, sizes, capture, bodyLimitBytes) => {
          const exchange = exchangeOfSample(sample)
          const response = { ...exchange.response, pieces: cutInto(exchange.response.pieces, sizes) }
          const call = await recorded({ ...exchange, response }, { capture, bodyLimitBytes })
          expect(found(await verifyRecord(call, parts))).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  }, 60_000)
})

describe('an answer that was made in the background', () => {
  const told = ['openai/responses-background-poll-done', 'openai/responses-resumed-stream'] as const
  const sides: readonly Making[] = [{}, { capture: 'metadata' }, { bodyLimitBytes: 200 }]

  it.each(told)('%s: is not read as a chat again where another call told it before', async (name) => {
    for (const making of sides) {
      const call = await recorded(exchangeOfSample(loadSample(name)), { ...making, counted: 'another' })
      expect(call).toMatchObject({
        telemetry: { metadata: { operation: 'other', usage: null, cost_picodollars: null, price_terms: null } },
        run: { operation: 'other', bill: [] },
      })
      const checks = await verifyRecord(call, parts)
      expect(found(checks)).toEqual([])
      if (making === sides[0]) expect(Object.values(verdict(checks))).toEqual(Array(10).fill('same'))
      expect(priceAgain(call, prices)).toBeNull()
    }
  })

  it.each(told)('%s: is a chat where it counts, as far as its bytes tell that', async (name) => {
    for (const making of sides) {
      const call = await recorded(exchangeOfSample(loadSample(name)), making)
      expect(call.telemetry.metadata).toMatchObject({ operation: 'chat', token_source: 'reported' })
      expect(found(await verifyRecord(call, parts))).toEqual([])
      expect(priceAgain(call, prices)?.fields.cost_picodollars).toBe(call.telemetry.metadata.cost_picodollars)
    }
  })

  it('is told when its record has lost its counts, and says of no call that has them', async () => {
    const call = await recorded(exchangeOfSample(loadSample(told[0])), { counted: 'another' })
    Object.assign(call.telemetry.metadata, { notes: [] })
    expect(found(await verifyRecord(call, parts))).toContainEqual(
      expect.objectContaining({ field: 'telemetry.metadata.operation', recorded: 'other', found: 'chat' }),
    )
  })
})

/** The same bytes in other pieces, with times that a clock could give. */
function cutInto(pieces: readonly Piece[], sizes: readonly number[]): Piece[] {
  const bytes = Buffer.concat(pieces.map((piece) => piece.bytes))
  const cut: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = sizes[cut.length % sizes.length]!
    cut.push({ offset: at, atMs: 10_050 + cut.length * 7.1234567, bytes: bytes.subarray(at, at + size) })
    at += size
  }
  return cut
}

describe('a record that is not what its bytes say', () => {
  const changes = Object.entries(decidedBy).flatMap(([by, fields]) => [
    ...fields.metadata.map((name) => ['telemetry.metadata', name, by] as const),
    ...fields.run.map((name) => ['run', name, by] as const),
  ])

  it.each(changes)('%s.%s', async (where, name) => {
    const call = await recorded(exchangeOfSample(loadSample('anthropic/messages-tools-stream')))
    const document = where === 'run' ? call.run : call.telemetry.metadata
    const before = (document as unknown as Record<string, unknown>)[name]
    const changed = changedValue(before)
    Object.assign(document, { [name]: changed })
    const differences = found(await verifyRecord(call, parts))
    expect(differences).toContainEqual(
      expect.objectContaining({ field: `${where}.${name}`, recorded: changed, found: before }),
    )
  })

  it('is told with the very place inside it', async () => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat-stream')))
    const [choice] = call.run.choices as { text: string }[]
    const { text } = choice!
    choice!.text = `${text}?`
    expect(found(await verifyRecord(call, parts))).toEqual([
      { field: 'run.choices[0].text', recorded: `${text}?`, found: text },
    ])
  })

  it.each(['request', 'response'] as const)('is told when a byte of the %s is another one', async (side) => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat')))
    const bytes = Buffer.from(call[`${side}Bytes`]!)
    bytes[bytes.length - 1]! ^= 1
    const checks = await verifyRecord({ ...call, [`${side}Bytes`]: bytes }, parts)
    expect(verdict(checks)[side === 'request' ? 'request bytes' : 'answer bytes']).toBe('differs')
    expect(found(checks)[0]).toMatchObject({ field: `run.${side}_body.sha256` })
  })

  it('is told when bytes are missing, or cannot be unpacked', async () => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat')))
    const short = { ...call, responseBytes: call.responseBytes!.subarray(1) }
    expect(found(await verifyRecord(short, parts))[0]).toMatchObject({ field: 'run.response_body.kept' })
    const broken = { ...call, responseBytes: null, unreadable: { response: 'Data corruption detected' } }
    expect(found(await verifyRecord(broken, parts))[0]).toMatchObject({ found: 'Data corruption detected' })
  })

  it('is told when it is damaged in a way that nothing can be made of', async () => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat')))
    Object.assign(call.telemetry.metadata, { price_terms: 7, cost_picodollars: 'a lot' })
    const damaged = await verifyRecord(call, parts)
    expect(verdict(damaged)).toMatchObject({ cost: 'differs', bill: 'differs', 'request bytes': 'same' })
    expect(found(damaged)).toContainEqual(expect.objectContaining({ field: 'record' }))
    Object.assign(call.run, { request_headers: null })
    expect(verdict(await verifyRecord(call, parts))).toMatchObject({ answer: 'differs' })
  })

  it('is told when its bill does not add up, or its run says something else than its telemetry', async () => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat')))
    const [first, ...rest] = call.run.bill
    const bill = [{ ...first!, picodollars: '1' }, ...rest]
    const billed = await verifyRecord({ ...call, run: { ...call.run, bill } }, parts)
    expect(verdict(billed)).toMatchObject({ bill: 'differs', cost: 'differs' })
    const other = await verifyRecord({ ...call, run: { ...call.run, project_id: 'another' } }, parts)
    expect(found(other)).toEqual([{ field: 'run.project_id', recorded: 'another', found: 'acme' }])
  })
})

function changedValue(before: unknown): unknown {
  if (typeof before === 'number') return before + 1
  if (typeof before === 'boolean') return !before
  return typeof before === 'object' && before !== null ? null : 'another'
}

describe('what cannot be checked says why', () => {
  const whyOf = async (call: KeptCall, what: Check['what'], with_ = parts) => {
    const check = (await verifyRecord(call, with_)).find((one) => one.what === what)
    expect(check?.state === 'differs').toBe(false)
    return check?.why
  }
  const chat = () => exchangeOfSample(loadSample('openai/chat'))

  it('bytes that were not kept', async () => {
    const call = await recorded(chat(), { capture: 'metadata' })
    for (const what of ['request bytes', 'request'] as const)
      expect(await whyOf(call, what)).toBe('no bytes of the request are kept (capture metadata)')
    for (const what of ['answer bytes', 'answer', 'times', 'tokens'] as const)
      expect(await whyOf(call, what)).toBe('no bytes of the answer are kept (capture metadata)')
    expect(verdict(await verifyRecord(call, parts))).toMatchObject({ cost: 'same', bill: 'same', call: 'same' })
  })

  it('bytes that were cut, and texts that were', async () => {
    const call = await recorded(chat(), { bodyLimitBytes: 100 })
    expect(await whyOf(call, 'answer bytes')).toContain('only the beginning is kept (body_limit)')
    expect(await whyOf(call, 'answer')).toContain('only the beginning is kept (body_limit)')
    const texts = await recorded(chat())
    Object.assign(texts.run, { text_truncated: true, completion: 'The' })
    expect(await whyOf(texts, 'answer')).toBe('texts were cut at the limit of then')
  })

  it('bytes in which a secret was masked after they were hashed', async () => {
    const call = await recorded(chat())
    const masked = Buffer.from(call.requestBytes!.map((byte, at) => (at > 20 && at < 40 ? 0x2a : byte)))
    const metadata = { ...call.telemetry.metadata, masked: true }
    const found = { ...call, telemetry: { ...call.telemetry, metadata }, requestBytes: masked }
    expect(await whyOf(found, 'request bytes')).toContain('a secret was masked')
  })

  it('an estimate of another version, a cost by another list, and imported calls', async () => {
    const call = await recorded(exchangeOfSample(loadSample('openai/chat-stream')))
    expect(call.telemetry.metadata.token_source).toBe('estimated')
    const older = { ...call, telemetry: { ...call.telemetry, program_version: '0.0.1' } }
    expect(await whyOf(older, 'tokens')).toContain('the estimate was made by version 0.0.1')
    const metadata = { ...call.telemetry.metadata, price_version: '2020-01-01-00000000' }
    const otherList = { ...call, telemetry: { ...call.telemetry, metadata } }
    expect(await whyOf(otherList, 'cost')).toContain('priced by list 2020-01-01-00000000, the present one is')
    const imported = { ...call, telemetry: { ...call.telemetry, program_version: null } }
    expect(await whyOf(imported, 'answer')).toBe('the call was imported')
    expect(await whyOf(call, 'answer', { ...parts, providers: new Map() })).toBe(
      'the provider openai is not known here',
    )
  })
})

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { apiDocs, apiDocsPath } from '../../scripts/api-docs.ts'
import { describeApi } from '../../src/api/open-api.ts'
import { apiRoutes } from '../../src/api/routes/index.ts'
import { isObject, type JsonObject, objectOf } from '../../src/records/json.ts'
import { aRecord } from '../support/records.ts'
import { apiOver, type Json } from './api-server.ts'

const routes = apiRoutes('1.2.3', 0)
const described = objectOf(JSON.parse(JSON.stringify(describeApi(routes, '1.2.3'))))

it('describes every route that there is, and answers the description without a key', async () => {
  const { status, body } = await (await apiOver([])).ask('/openapi.json', null)
  expect(status).toBe(200)
  expect(body.openapi).toBe('3.1.0')
  const operations = Object.entries(body.paths).flatMap(([path, item]) =>
    Object.keys(objectOf(item)).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(operations.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
  expect(body.info).toMatchObject({ title: 'Sightglass', version: '1.2.3' })
})

it('says of each route whether it needs a key, and names every parameter it takes', () => {
  for (const { path, method, access, definition } of routes) {
    const operation: Json = objectOf(objectOf(described.paths)[path])[method.toLowerCase()]
    const fields = operation.requestBody?.content['application/json'].schema.properties ?? {}
    expect(Object.keys(fields)).toEqual(Object.keys(definition.body?.shape ?? {}))
    for (const { description } of Object.values<Json>(fields)) expect(description).toBeTruthy()
    expect(operation.security).toHaveLength(access === 'public' ? 0 : 2)
    const named = (operation.parameters ?? []).filter((one: Json) => one.in === 'query').map(({ name }: Json) => name)
    expect(named).toEqual(Object.keys(definition.query?.shape ?? {}))
    for (const { description } of operation.parameters ?? []) expect(description).toBeTruthy()
  }
})

it('refers to nothing that is not described', () => {
  const text = JSON.stringify(described)
  const names = Object.keys(objectOf(objectOf(described.components).schemas))
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) expect(names).toContain(name)
  expect(names).toEqual(expect.arrayContaining(['Usage', 'RunList', 'RunDetail', 'Health', 'Error']))
})

/** By the ends of names: one naming and unit table for all answers. */
const unitsByName: readonly [RegExp, string][] = [
  [/(?<!timestamp)_ms$|^llm_latency$|^(?:mean|p50|p95|p99|max)$/, 'ms'],
  [/^timestamp_ms$/, 'Unix ms'],
  [/_seconds$/, 's'],
  [/_size$|_bytes$|^size$|^kept$/, 'bytes'],
  [/_length$/, 'characters'],
  [/_tokens$/, 'tokens'],
  [/tokens_per_second$/, 'tokens/s'],
  [/_usd$|Usd$/, 'USD'],
  [/picodollars$/, '10⁻¹² USD'],
  [/(?:^|_)status(?:_code)?$/, 'HTTP status'],
]

it('gives every number a unit, and the unit that its name says', () => {
  const found = [...fields(objectOf(objectOf(described.components).schemas))]
  const numbers = found.filter(({ schema }) => /number|integer/.test(JSON.stringify(schema.type ?? '')))
  expect(numbers.length).toBeGreaterThan(90)
  for (const { name, schema } of numbers) expect([name, schema['x-unit']]).toEqual([name, expect.any(String)])
  for (const { name, schema } of found) {
    const [, unit] = unitsByName.find(([pattern]) => pattern.test(name)) ?? []
    if (schema['x-unit'] !== undefined && unit !== undefined) expect([name, schema['x-unit']]).toEqual([name, unit])
  }
})

function* fields(properties: JsonObject): Generator<{ name: string; schema: JsonObject }> {
  for (const [name, schema] of Object.entries(properties)) {
    if (!isObject(schema)) continue
    yield { name, schema }
    yield* fields(objectOf(schema.properties))
    for (const part of [schema.allOf, schema.anyOf].flat()) yield* fields(objectOf(objectOf(part).properties))
  }
}

it('keeps units on a record as they were measured', async () => {
  const record = aRecord()
  const { body } = await (await apiOver([record])).ask(`/llm-history/${record.telemetry._id}`)
  // a call of 224.5 ms with its first content at 182.5 ms, 101 bytes asked, 17 tokens, 0.0000048 dollars
  expect(body.telemetry.metadata).toMatchObject({
    latency_ms: 224.5,
    ttft_ms: 182.5,
    request_size: record.requestBytes?.length,
    total_tokens: 17,
    cost_usd: 0.0000048,
    cost_picodollars: '4800000',
  })
  expect(body.telemetry.timestamp_ms).toBe(Date.parse(body.telemetry.timestamp))
})

it('has a reference that says the same (node scripts/run.mjs scripts/api-docs.ts writes it anew)', () => {
  expect(readFileSync(apiDocsPath, 'utf8')).toBe(apiDocs())
})

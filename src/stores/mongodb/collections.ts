import type { Document } from './driver.ts'

/** What a collection of ours is made of. The names of fields and indexes are contracts 2.2 and 4.2; ours for questions follow. */
export interface CollectionSpec {
  /** Fields that a document must have and the types they may have. `number`: a whole number is stored as an int. */
  validator: { $jsonSchema: Schema }
  indexes: readonly IndexKey[]
  /** The date that documents expire by; null: they stay. */
  expiresBy: string | null
}

/** The part of JSON Schema that our validators use. */
export interface Schema {
  bsonType: BsonType | readonly BsonType[]
  required?: readonly string[]
  properties?: Readonly<Record<string, Schema>>
}

export type BsonType = 'string' | 'date' | 'number' | 'object' | 'bool' | 'binData' | 'null' | 'array'
export type IndexKey = Readonly<Record<string, 1 | -1>>

export const schemaVersion = 1

const text: Schema = { bsonType: 'string' }
const textOrNull: Schema = { bsonType: ['string', 'null'] }
const number: Schema = { bsonType: 'number' }
const numberOrNull: Schema = { bsonType: ['number', 'null'] }
const date: Schema = { bsonType: 'date' }
const objectOrNull: Schema = { bsonType: ['object', 'null'] }
const bytesOrNull: Schema = { bsonType: ['binData', 'null'] }

const documents = (required: Readonly<Record<string, Schema>>, others: Readonly<Record<string, Schema>> = {}) => ({
  $jsonSchema: { bsonType: 'object', required: Object.keys(required), properties: { ...required, ...others } } as const,
})

export const collections = {
  telemetry: {
    validator: documents(
      {
        event_type: text,
        timestamp: date,
        metadata: documents(
          {
            client_id: text,
            target_service: text,
            endpoint: text,
            method: text,
            status_code: number,
            latency_ms: number,
          },
          {
            soeid: textOrNull,
            project_name: textOrNull,
            request_size: numberOrNull,
            response_size: numberOrNull,
            prompt_tokens: numberOrNull,
            completion_tokens: numberOrNull,
            total_tokens: numberOrNull,
            llm_model: textOrNull,
            llm_latency: numberOrNull,
            additional_data: objectOrNull,
            cost_usd: numberOrNull,
          },
        ).$jsonSchema,
      },
      { request_id: textOrNull, client_ip: textOrNull },
    ),
    indexes: [
      { 'metadata.client_id': 1 },
      { 'metadata.soeid': 1 },
      { 'metadata.target_service': 1 },
      { timestamp: 1 },
      { event_type: 1 },
      { request_id: 1 },
      { event_type: 1, timestamp: 1, 'metadata.status_code': 1 },
      { 'metadata.soeid': 1, 'metadata.total_tokens': 1 },
      { 'metadata.latency_ms': 1, timestamp: 1 },
      { 'metadata.status_code': 1, timestamp: 1 },
      { timestamp: -1, _id: -1 },
      { 'metadata.project_id': 1, timestamp: -1, _id: -1 },
      { 'metadata.key_id': 1, timestamp: -1, _id: -1 },
      { 'metadata.user_id': 1, timestamp: -1, _id: -1 },
      { 'metadata.session_id': 1, timestamp: -1, _id: -1 },
    ],
    expiresBy: 'timestamp',
  },
  llm_runs: {
    validator: documents(
      { request_id: text, timestamp: date, prompt: textOrNull, completion: textOrNull },
      {
        soeid: textOrNull,
        project_name: textOrNull,
        model: text,
        temperature: numberOrNull,
        max_tokens: numberOrNull,
        prompt_tokens: numberOrNull,
        completion_tokens: numberOrNull,
        total_tokens: numberOrNull,
        latency_ms: number,
        request_bytes: bytesOrNull,
        response_bytes: bytesOrNull,
        chunk_times: bytesOrNull,
      },
    ),
    indexes: [
      { request_id: 1 },
      { timestamp: 1 },
      { soeid: 1 },
      { project_name: 1 },
      { model: 1 },
      { soeid: 1, timestamp: 1 },
    ],
    expiresBy: 'timestamp',
  },
  rollups: {
    validator: documents({
      instance: text,
      version: number,
      level: text,
      start: date,
      project: text,
      owner: text,
      provider: text,
      model: text,
      outcome: text,
      model_call: { bsonType: 'bool' },
      requests: number,
      sums: { bsonType: 'binData' },
    }),
    indexes: [
      { level: 1, start: 1 },
      { level: 1, project: 1, start: 1 },
      { level: 1, owner: 1, start: 1 },
    ],
    expiresBy: 'start',
  },
  connection_logs: {
    validator: documents(
      { timestamp: date, event_type: text, status: text },
      { message: textOrNull, metadata: objectOrNull },
    ),
    indexes: [{ timestamp: 1 }, { event_type: 1 }, { status: 1 }],
    expiresBy: 'timestamp',
  },
  metrics: {
    validator: documents({ timestamp: date, metric_type: text, metrics: { bsonType: 'object' } }),
    indexes: [{ timestamp: 1 }, { metric_type: 1 }, { metric_type: 1, timestamp: 1 }],
    expiresBy: 'timestamp',
  },
  api_tokens: {
    validator: documents({ project_id: text }, { description: textOrNull, is_active: { bsonType: 'bool' } }),
    indexes: [{ project_id: 1 }],
    expiresBy: null,
  },
  projects: {
    validator: documents({ project_id: text }, { name: textOrNull, description: textOrNull }),
    indexes: [{ project_id: 1 }, { name: 1 }],
    expiresBy: null,
  },
} as const satisfies Readonly<Record<string, CollectionSpec>>

export type CollectionName = keyof typeof collections
export const collectionNames = Object.keys(collections) as CollectionName[]

/** Holds one document for each collection of ours (`_id` is its name) and one for each instance that writes here. */
export const markers = 'sightglass'

/** Days that documents are kept; 0, or no entry: for ever. */
export type Retention = Partial<Record<CollectionName, number>>

/** As MongoDB itself names indexes: `metadata.soeid_1_timestamp_-1`. */
export const indexName = (key: IndexKey): string =>
  Object.entries(key)
    .map(([field, order]) => `${field}_${order}`)
    .join('_')

/** An index as `createIndexes` takes it. */
export const indexSpec = (key: IndexKey): Document => ({ key, name: indexName(key) })

export const daySeconds = 86_400

/** Seconds after which documents of the collection expire; null: never. Totals of a day count from its end. */
export function expiryOf(name: CollectionName, retention: Retention): number | null {
  const days = retention[name] ?? 0
  if (collections[name].expiresBy === null || days <= 0) return null
  return (name === 'rollups' ? days + 1 : days) * daySeconds
}

/** The indexes of the collection, the one by which its documents expire included. */
export function indexesFor(name: CollectionName, retention: Retention): readonly IndexKey[] {
  const { indexes, expiresBy }: CollectionSpec = collections[name]
  if (expiresBy === null || expiryOf(name, retention) === null) return indexes
  return indexes.some((key) => isExpiryKey(key, expiresBy)) ? indexes : [...indexes, { [expiresBy]: 1 }]
}

export const isExpiryKey = (key: IndexKey, expiresBy: string | null): boolean =>
  expiresBy !== null && Object.keys(key).length === 1 && key[expiresBy] === 1

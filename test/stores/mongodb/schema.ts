import { Binary, Long } from 'mongodb'
import type { BsonType, Schema } from '../../../src/stores/mongodb/collections.ts'

/** What a server would say of the document: the places where it breaks the schema, by the rules that our validators use. */
export function violations(schema: Schema, value: unknown, place = 'document'): string[] {
  const types: readonly BsonType[] = [schema.bsonType].flat() as BsonType[]
  const type = bsonType(value)
  if (!types.includes(type)) return [`${place} is ${type}, wants ${types.join(' or ')}`]
  if (type !== 'object') return []
  const fields = value as Record<string, unknown>
  const missing = (schema.required ?? []).filter((name) => fields[name] === undefined)
  return [
    ...missing.map((name) => `${place} lacks ${name}`),
    ...Object.entries(schema.properties ?? {})
      .filter(([name]) => fields[name] !== undefined)
      .flatMap(([name, field]) => violations(field, fields[name], `${place}.${name}`)),
  ]
}

function bsonType(value: unknown): BsonType {
  if (value === null) return 'null'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || value instanceof Long) return 'number'
  if (value instanceof Date) return 'date'
  if (value instanceof Binary) return 'binData'
  if (Array.isArray(value)) return 'array'
  return 'object'
}

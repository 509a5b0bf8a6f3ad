import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Document, MongoClient } from 'mongodb'
import type { Outcome } from '../../src/records/outcome.ts'
import type { FakeMongo } from '../support/fake-mongo.ts'
import type { Kept } from './ledger.ts'

export interface KeptRecords {
  kept: Kept[]
  /** Calls in the totals: one that was counted twice would show here although its id is stored once. */
  counted: number
}

/** What the embedded database of a data directory holds, read past the product. */
export function keptInDatabase(dataDir: string): KeptRecords {
  const database = new DatabaseSync(join(dataDir, 'sightglass.sqlite'), { readOnly: true })
  try {
    const rows = database.prepare(
      `SELECT id, session, outcome, telemetry ->> '$.metadata.response_sha256' AS sha256
       FROM telemetry JOIN (SELECT seq, telemetry FROM documents) AS document USING (seq)`,
    )
    const kept = rows.all().map(({ id, session, outcome, sha256 }) => ({
      id: String(id),
      call: session === null ? null : String(session),
      outcome: String(outcome) as Outcome,
      responseSha256: sha256 === null ? null : String(sha256),
    }))
    const totals = database.prepare('SELECT level, sum(requests) AS requests FROM rollups GROUP BY level').all()
    return { kept, counted: Math.max(0, ...totals.map(({ requests }) => Number(requests))) }
  } finally {
    database.close()
  }
}

/** What a pretended MongoDB holds. */
export function keptInFake(mongo: FakeMongo): KeptRecords {
  const kept = [...(mongo.collections.get('telemetry')?.values() ?? [])].map(({ _id, metadata }) => ({
    id: String(_id),
    call: metadata.session_id,
    outcome: metadata.outcome,
    responseSha256: metadata.response_sha256,
  }))
  return { kept, counted: countedIn([...(mongo.collections.get('rollups')?.values() ?? [])]) }
}

/** As much of a document as `keptInFake` looks at. */
export function slim({ _id, metadata, ...rest }: Document): Document {
  if (metadata?.outcome === undefined) return 'level' in rest ? { _id, ...rest } : { _id }
  const { session_id, outcome, response_sha256 } = metadata
  return { _id, metadata: { session_id, outcome, response_sha256 } }
}

/** What a MongoDB holds, read past the product. */
export async function keptInMongo(uri: string, database: string): Promise<KeptRecords & { runs: number }> {
  await using client = new MongoClient(uri)
  const db = client.db(database)
  const calls = await db.collection('telemetry').find().toArray()
  const totals = await db.collection('rollups').find({ level: 'model_day' }).toArray()
  return {
    kept: calls.map(({ _id, metadata }) => ({
      id: String(_id),
      call: metadata.session_id === null ? null : String(metadata.session_id),
      outcome: String(metadata.outcome) as Outcome,
      responseSha256: metadata.response_sha256 === null ? null : String(metadata.response_sha256),
    })),
    runs: await db.collection('llm_runs').countDocuments(),
    counted: countedIn(totals),
  }
}

const countedIn = (rollups: readonly Document[]): number =>
  rollups.filter(({ level }) => level === 'model_day').reduce((sum, { requests }) => sum + Number(requests), 0)

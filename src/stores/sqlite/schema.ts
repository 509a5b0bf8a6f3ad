import type { DatabaseSync } from 'node:sqlite'

/** The file was written by a newer program. Nothing in it was touched. */
export class SchemaTooNew extends Error {
  override name = 'SchemaTooNew'
  constructor(path: string, found: number) {
    super(
      `${path} has schema version ${found}, this program knows versions up to ${schemaVersion}: start the newer version of the program again, or choose another data directory`,
    )
  }
}

/** One row per version, in order; never edited after a release. The place in the list is the version. */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE telemetry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    timestamp_ms INTEGER NOT NULL,
    project TEXT NOT NULL,
    "key" TEXT,
    "user" TEXT,
    session TEXT,
    provider TEXT NOT NULL,
    model TEXT,
    operation TEXT NOT NULL,
    model_call INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    error INTEGER NOT NULL,
    status_code INTEGER NOT NULL,
    latency_ms REAL NOT NULL,
    ttft_ms REAL,
    input_tokens INTEGER NOT NULL,
    cached_input_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    picodollars TEXT,
    request_bytes INTEGER NOT NULL,
    response_bytes INTEGER NOT NULL,
    generation_ms REAL NOT NULL,
    generated_tokens INTEGER NOT NULL,
    gaps BLOB NOT NULL
  );
  CREATE INDEX telemetry_by_time ON telemetry (timestamp_ms);
  CREATE INDEX telemetry_by_project ON telemetry (project, timestamp_ms);
  CREATE INDEX telemetry_by_key ON telemetry ("key", timestamp_ms) WHERE "key" IS NOT NULL;
  CREATE INDEX telemetry_by_user ON telemetry ("user", timestamp_ms) WHERE "user" IS NOT NULL;
  CREATE INDEX telemetry_by_session ON telemetry (session, timestamp_ms) WHERE session IS NOT NULL;

  CREATE TABLE documents (
    seq INTEGER PRIMARY KEY,
    telemetry TEXT NOT NULL,
    prompt TEXT,
    completion TEXT,
    run TEXT NOT NULL,
    request_bytes BLOB,
    response_bytes BLOB,
    chunk_times BLOB
  );

  CREATE TABLE rollups (
    level INTEGER NOT NULL,
    project TEXT NOT NULL,
    owner TEXT NOT NULL,
    start_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    model_call INTEGER NOT NULL,
    instance TEXT NOT NULL,
    requests INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (level, project, owner, start_ms, provider, model, outcome, model_call, instance)
  ) WITHOUT ROWID;

  CREATE TABLE journal_positions (epoch TEXT PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE journal_applied (id TEXT PRIMARY KEY, epoch TEXT NOT NULL, exchange INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE journal_carried (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL,
    exchange INTEGER NOT NULL,
    frame BLOB NOT NULL
  );
  CREATE INDEX journal_carried_by_exchange ON journal_carried (epoch, exchange);
  CREATE TABLE journal_finished_epochs (epoch TEXT PRIMARY KEY) WITHOUT ROWID;
  `,
  `
  CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    target TEXT NOT NULL,
    place INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    rollup_place INTEGER NOT NULL,
    swept INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE quarantine (
    sink TEXT NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (sink, place)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE totals (
    project TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    model_call INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (project, provider, model, outcome, model_call)
  ) WITHOUT ROWID;
  CREATE TABLE connection_logs (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    timestamp_ms INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    metadata TEXT NOT NULL
  );
  CREATE TABLE metrics (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    timestamp_ms INTEGER NOT NULL,
    metric_type TEXT NOT NULL,
    metrics TEXT NOT NULL
  );
  `,
  `
  ALTER TABLE telemetry ADD COLUMN keeps INTEGER NOT NULL DEFAULT 2;
  CREATE INDEX telemetry_by_keeping ON telemetry (keeps, timestamp_ms) WHERE keeps > 0;
  CREATE TABLE purges (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    asked_ms INTEGER NOT NULL,
    dry INTEGER NOT NULL,
    project TEXT,
    "user" TEXT,
    before_ms INTEGER,
    bound_ms INTEGER NOT NULL,
    place INTEGER NOT NULL
  );
  CREATE TABLE purge_parts (
    purge INTEGER NOT NULL,
    part TEXT NOT NULL,
    done_ms INTEGER,
    counts TEXT NOT NULL,
    PRIMARY KEY (purge, part)
  ) WITHOUT ROWID;
  CREATE INDEX purge_parts_waiting ON purge_parts (part, purge) WHERE done_ms IS NULL;
  `,
  `
  CREATE TABLE diary_sinks (
    sink TEXT NOT NULL,
    collection TEXT NOT NULL,
    target TEXT NOT NULL,
    place INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    PRIMARY KEY (sink, collection)
  ) WITHOUT ROWID;
  CREATE TABLE diary_quarantine (
    sink TEXT NOT NULL,
    collection TEXT NOT NULL,
    place INTEGER NOT NULL,
    id TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (sink, collection, place)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE counted_answers (answer TEXT PRIMARY KEY, call TEXT NOT NULL, timestamp_ms INTEGER NOT NULL) WITHOUT ROWID;
  `,
]

export const schemaVersion = migrations.length

/** The version of an open file; refuses one that is newer than this program. */
export function foundVersion(database: DatabaseSync, path: string, known = schemaVersion): number {
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0)
  if (found > known) throw new SchemaTooNew(path, found)
  return found
}

/** Brings the file to this program's version, in one transaction: all of it or nothing. */
export function migrate(database: DatabaseSync, path: string, steps: readonly string[] = migrations): void {
  let found = foundVersion(database, path, steps.length)
  if (found === steps.length) return
  database.exec('BEGIN IMMEDIATE')
  try {
    found = foundVersion(database, path, steps.length) // another thread may have been faster
    for (const migration of steps.slice(found)) database.exec(migration)
    database.exec(`PRAGMA user_version = ${steps.length}`)
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw new Error(`${path} could not be brought from schema version ${found} to ${steps.length}`, { cause: error })
  }
}

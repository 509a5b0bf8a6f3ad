import { readdir } from 'node:fs/promises'
import type { z } from '@hono/zod-openapi'
import type { ConnectionEvent } from '../../records/connection-log.ts'
import { within } from '../ask.ts'
import type { ApiParts } from '../parts.ts'
import { route } from '../route.ts'
import { dbStatus as dbStatusAnswer } from '../schemas/db-status.ts'

const path = '/db-status'

/** A database that hangs has half of it, this machine's own store the rest. */
const answerMs = 8_000

/** How the database is: contracts 2.1. A failure is an answer, too. */
export const dbStatus = route({
  path,
  access: 'admin',
  summary: 'How the database is, and what happened to it lately',
  description:
    'For the admin. `connected`, or `fallback` while the database of the settings is away, or `error`; all of them with status 200.',
  answer: dbStatusAnswer,
  async handle({ parts }) {
    try {
      return await within(answerMs, statusOf(parts))
    } catch (error) {
      parts.failed(error, path)
      const name = error instanceof Error ? error.name : 'unknown'
      return { status: 'error' as const, error: `the store does not answer (${name}); the log has more` }
    }
  },
})

async function statusOf(parts: ApiParts): Promise<z.input<typeof dbStatusAnswer>> {
  const [system, store, events, deleted] = await Promise.all([
    parts.status(),
    parts.store.status(),
    parts.store.connectionEvents(5),
    parts.own.deleted(),
  ])
  const known = {
    database: store.name,
    collections: {
      telemetry: store.counts.telemetry ?? 0,
      llm_runs: store.counts.llm_runs ?? 0,
      connection_logs: store.counts.connection_logs ?? 0,
    },
    deleted: { by_age: deleted.byAge, by_size: deleted.bySize },
    latest_connection_events: events.map(shown),
  }
  if ((system.services.mongodb ?? system.services.store).state === 'ok') return { status: 'connected', ...known }
  return {
    status: 'fallback',
    fallback_mode: 'csv',
    fallback_directory: parts.fallbackDirectory,
    csv_files: parts.fallbackDirectory === null ? [] : await csvFiles(parts.fallbackDirectory),
    ...known,
  }
}

const shown = ({ timestamp_ms, event_type, status, message, metadata }: ConnectionEvent) => ({
  timestamp: new Date(timestamp_ms).toISOString(),
  event_type,
  status,
  message,
  metadata,
})

async function csvFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith('.csv')).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [] // made with its first file
    throw error
  }
}

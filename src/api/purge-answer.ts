import type { z } from '@hono/zod-openapi'
import type { PurgeReport } from '../stores/own-store.ts'
import type { purge as purgeAnswer } from './schemas/purge.ts'

export type PurgeAnswer = z.input<typeof purgeAnswer>

/** A purge as it is answered; `messages` say of parts what they wait for. */
export function shownPurge(purge: PurgeReport, messages: Readonly<Record<string, string | null>>): PurgeAnswer {
  const at = (ms: number): string => new Date(ms).toISOString()
  const isOpen = purge.parts.some(({ doneMs }) => doneMs === null)
  return {
    number: purge.number,
    dry_run: purge.dry,
    project: purge.project,
    user: purge.user,
    before: purge.beforeMs === null ? null : at(purge.beforeMs),
    bound: at(purge.boundMs),
    asked_at: at(purge.askedMs),
    state: isOpen ? 'waiting' : 'done',
    parts: purge.parts.map(({ name, doneMs, counts }) => ({
      name,
      state: doneMs === null ? 'waiting' : 'done',
      done_at: doneMs === null ? null : at(doneMs),
      message: doneMs === null ? (messages[name] ?? null) : null,
      counts,
    })),
  }
}

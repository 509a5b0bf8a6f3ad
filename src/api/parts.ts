import type { Clock } from '../lib/clock.ts'
import type { Provider } from '../records/provider.ts'
import type { Purge, PurgeWish } from '../records/purge.ts'
import type { Settings } from '../settings/settings.ts'
import type { OwnStore } from '../stores/own-store.ts'
import type { Store } from '../stores/store.ts'

/** What the API stands on. It reads records through the store and knows the rest of the process by `status` alone. */
export interface ApiParts {
  readonly store: Store
  /** What is known of this instance alone. */
  readonly own: Pick<OwnStore, 'scrape' | 'sums' | 'purge' | 'purges' | 'deleted'>
  readonly adminToken: string
  /** Where calls are written as CSV while the database is away; null: nowhere. */
  readonly fallbackDirectory: string | null
  /** Reads `/metrics` and nothing else. */
  readonly metricsToken: string | null
  readonly pepper: string
  readonly providers: ReadonlyMap<string, Provider>
  readonly clock: Clock
  readonly version: string
  readonly settings: Pick<
    Settings,
    'keys' | 'bodyLimitBytes' | 'journalBodyLimitBytes' | 'captureRequest' | 'captureResponse' | 'deploymentEnvironment'
  >
  /** Resolves once a purge is written down. */
  purge(wish: PurgeWish): Promise<Purge>
  status(): Promise<SystemStatus>
  /** False before the start is complete and while draining. */
  ready(): boolean
  /** A store or a part of ours failed while answering; `route` is the pattern, never the URL. */
  failed(error: unknown, route: string): void
  /** How long a query may take before it is answered with 503. */
  readonly deadlineMs?: number
}

export interface SystemStatus {
  /** `mongodb` is there where the settings name one, `workers` where calls are served by several processes. */
  readonly services: Readonly<Record<'journal' | 'recorder' | 'store', ServiceStatus>> & {
    readonly mongodb?: ServiceStatus
    readonly workers?: ServiceStatus
  }
  readonly records: RecordCounts
  /** What was delivered where, by the sink's name. */
  readonly sinks: Readonly<Record<string, SinkCounts>>
  /** Name of the store that answers questions now. */
  readonly answeredBy: string
  /** Proxied calls that are running now. */
  readonly activeRequests: number
  readonly journal: JournalStatus
}

export interface JournalStatus {
  /** Written since the start. */
  readonly bytes: number
  /** Written and not yet read by the recorder. */
  readonly lagBytes: number
}

export interface ServiceStatus {
  readonly state: 'ok' | 'degraded' | 'down'
  /** Why it is not ok, for people. */
  readonly message: string | null
}

/** accepted = stored + pending + quarantined + dropped, in every snapshot. */
export interface SinkCounts {
  readonly accepted: number
  readonly stored: number
  readonly pending: number
  readonly quarantined: number
  readonly dropped: number
}

export interface RecordCounts extends SinkCounts {
  /** Calls that went on although the journal did not hold them. */
  readonly unprotected: number
}

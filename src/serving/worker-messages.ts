import type { DiskUse } from '../journal/disk-budget.ts'
import type { Settings } from '../settings/settings.ts'
import type { PlaneStatus } from './data-plane.ts'

/** What a worker needs to begin. */
export interface WorkerBegin {
  settings: Settings
  pepper: string
  use: DiskUse
  epoch: string
  /** So many workers write at a time. */
  planes: number
  /** The port that all of them listen on. */
  port: number
  /** Where requests that are no calls are answered: a socket of the first process. */
  ownSocket: string
}

export type ToWorker =
  | { type: 'begin'; begin: WorkerBegin }
  | { type: 'listen' }
  | { type: 'disk'; use: DiskUse }
  | { type: 'status' }
  | { type: 'drain'; delayMs: number }
  | { type: 'hurry' }
  | { type: 'cut' }
  /** The last one. */
  | { type: 'end' }

export type FromWorker =
  | { type: 'opened' }
  | { type: 'listening'; address: string; port: number }
  | { type: 'failed'; failure: WorkerFailure }
  /** The journal was written to, lately. */
  | { type: 'grew' }
  | { type: 'status'; status: PlaneStatus; refusing: boolean }
  | { type: 'drained' }

/** An error, as it goes from one process to another. */
export interface WorkerFailure {
  message: string
  code: string | null
  syscall: string | null
}

import type { EpochPosition } from './local-store.ts'

/** The recorder's own count of what it was given: accepted = stored + pending + failed + purged, in every status. */
export interface RecorderStatus {
  /** Exchanges whose OPEN was read. */
  accepted: number
  /** The part of them that live epochs wrote. */
  acceptedLive: number
  stored: number
  /** The part of `stored` that could not be decoded and is kept raw, with the error. */
  storedRaw: number
  /** Open, or finished and not yet in the database. */
  pending: number
  /** Given up: their frames were moved to the quarantine directory, or could not be put together. */
  failed: number
  /** Not stored: a purge was about them that was asked for while they ran. */
  purged: number
  /** Places in the journal that could not be read, and ends without a beginning. */
  damaged: number
  /** Bytes in the journal that were not read yet. */
  lagBytes: number
  /** Where a restart would begin to read, by epoch. */
  position: readonly EpochPosition[]
}

export const emptyStatus: Readonly<RecorderStatus> = Object.freeze({
  accepted: 0,
  acceptedLive: 0,
  stored: 0,
  storedRaw: 0,
  pending: 0,
  failed: 0,
  purged: 0,
  damaged: 0,
  lagBytes: 0,
  position: [],
})

import type {
  CarriedFrame,
  JournalState,
  LocalBatch,
  LocalStore,
  StoreCounters,
} from '../../src/pipeline/local-store.ts'
import type { TelemetryRecord } from '../../src/records/telemetry.ts'

/** Passes everything on to a store, notes what is committed twice, and lets a test break a commit before or after it is made. */
export class HookedLocalStore implements LocalStore {
  readonly instance: string
  readonly ids = new Set<string>()
  readonly repeated: string[] = []
  before: () => void = () => {}
  after: () => void = () => {}
  #store: LocalStore

  constructor(store: LocalStore) {
    this.#store = store
    this.instance = store.instance
  }

  commit(batch: LocalBatch) {
    this.before()
    this.#store.commit(batch)
    for (const { telemetry } of batch.records) {
      if (this.ids.has(telemetry._id)) this.repeated.push(telemetry._id)
      this.ids.add(telemetry._id)
    }
    this.after()
  }

  isPurged(call: TelemetryRecord): boolean {
    return this.#store.isPurged(call)
  }

  journalState(): JournalState {
    return this.#store.journalState()
  }

  carried(epoch: string): readonly CarriedFrame[] {
    return this.#store.carried(epoch)
  }

  carriedFrame(rowId: number): Uint8Array {
    return this.#store.carriedFrame(rowId)
  }

  checkpoint() {
    this.#store.checkpoint()
  }

  counters(): StoreCounters {
    return this.#store.counters()
  }

  close() {
    this.#store.close()
  }
}

import type { DiaryEntry } from '../records/diary-entry.ts'
import { createDelivery, type Delivery, type DeliveryOptions } from './deliver.ts'

/**
 * Brings a collection of the diary to a sink by the rules of records, beside them. That the place of both is away is told by the
 * delivery of the records; `recordsPass` says whether it has nothing to tell.
 */
export function createDiaryDelivery(options: DeliveryOptions<DiaryEntry>, recordsPass: () => boolean): Delivery {
  const { log } = options
  return createDelivery({
    ...options,
    log: { ...log, warn: (message, fields) => (recordsPass() ? log.warn(message, fields) : log.info(message, fields)) },
    limits: { records: 100, tellAfter: 3, ...options.limits },
  })
}

import type { JsonObject } from './json.ts'

/** What is kept beside the records, one collection each (contracts 2.2). */
export const diaryCollections = ['connection_logs', 'metrics'] as const
export type DiaryCollection = (typeof diaryCollections)[number]

/** One document of the diary as sinks receive it. */
export interface DiaryEntry {
  /** Made once, and the same wherever it is delivered to. */
  _id: string
  timestamp_ms: number
  /** What the collection has besides. */
  fields: JsonObject
}

import type { StoredRecord } from '../records/stored.ts'

const toldBefore = 'the answer was told before: its tokens count with the call '

/** The call that an answer was counted with, by the notes of one that told it again; null: it was counted itself. */
export function countedWith(notes: readonly string[]): string | null {
  const note = notes.find((one) => one.startsWith(toldBefore))
  return note === undefined ? null : note.slice(toldBefore.length)
}

/** The record of a call that tells an answer again: what was said stays, but its tokens and its cost are those of `call`. */
export function uncounted(record: StoredRecord, call: string): StoredRecord {
  const { telemetry, run } = record
  const { metadata } = telemetry
  const nothing = {
    prompt_tokens: null,
    completion_tokens: null,
    total_tokens: null,
    token_source: 'none',
    cost_usd: null,
  } as const
  return {
    ...record,
    telemetry: {
      ...telemetry,
      event_type: 'direct_request',
      metadata: {
        ...metadata,
        ...nothing,
        operation: 'other',
        tokenizer: null,
        usage: null,
        output_tokens_per_second: null,
        cost_picodollars: null,
        cost_estimated: false,
        unpriced_reason: null,
        price_version: null,
        price_terms: null,
        notes: [...metadata.notes, `${toldBefore}${call}`],
      },
    },
    run: { ...run, ...nothing, operation: 'other', tokens_per_second: null, bill: [] },
    gapsMs: [],
  }
}

import type { RunDetail, RunPage, UsageAnswer } from '../stores/store.ts'
import type { UnpricedAnswer } from '../stores/unpriced.ts'

/** Where a question is answered: by the running proxy, or by the store itself when none is running. */
export interface Records {
  usage(question: Question): Promise<UsageAnswer>
  unpriced(question: Question): Promise<UnpricedAnswer>
  runs(question: Question): Promise<RunPage>
  run(id: string): Promise<RunDetail | null>
  body(id: string, side: 'request' | 'response'): Promise<Uint8Array | null>
  close(): Promise<void>
}

/** Parameters by the names that the API gives them; moments in Unix milliseconds. */
export type Question = Readonly<Record<string, string>>

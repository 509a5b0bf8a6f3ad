import { openLocalStore } from './local.ts'

/** Ends in the embedded database what a purge had begun when its process died. Nobody else may write to the file. */
export function finishPurges(path: string, nowMs: number): void {
  const store = openLocalStore(path)
  try {
    while (store.purges.step(nowMs) !== 'idle');
  } finally {
    store.close()
  }
}

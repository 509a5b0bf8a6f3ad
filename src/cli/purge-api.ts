import { setTimeout as delay } from 'node:timers/promises'
import type { PurgeAnswer } from '../api/purge-answer.ts'
import { arrayAt, numberAt } from '../records/json.ts'
import type { PurgePlace } from './purge-place.ts'
import { apiOf, otherShape } from './records-api.ts'

/** Has a running proxy carry out purges. */
export function apiPurges(url: string, token: string | null): PurgePlace {
  const api = apiOf(url, token)
  const purge = (value: unknown): PurgeAnswer => {
    if (numberAt(value, 'number') === null || arrayAt(value, 'parts').length === 0) throw otherShape(url)
    return value as PurgeAnswer
  }
  return {
    ask: async (question) => purge(await api.post('/purge', question)),
    async look(number) {
      await delay(lookMs)
      const found = await api.json(`/purge/${number}`)
      return found === null ? null : purge(found)
    },
    heldMs: 5_000, // what is away may be back
    close: async () => {},
  }
}

const lookMs = 200

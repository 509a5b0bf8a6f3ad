import { isObject, objectOf } from '../records/json.ts'
import type { RunDetail } from '../stores/store.ts'

/**
 * A call with every field of the kind that a reader of it expects, whoever stored it: what a record of another version lacks
 * reads as null, a list or an object as an empty one, and a structure where a word was expected as its JSON.
 */
export function shaped({ telemetry, run, chunkTimes }: RunDetail): RunDetail {
  return {
    telemetry: {
      ...fields(telemetry, {}),
      _id: String(telemetry._id),
      timestamp_ms: momentOf(telemetry.timestamp_ms),
      metadata: fields(telemetry.metadata, { usage: isObject, notes: Array.isArray }),
    },
    run: fields(run, {
      ...{ messages: Array.isArray, choices: Array.isArray, tools: Array.isArray, tool_calls: Array.isArray },
      ...{
        bill: (value) => Array.isArray(value) && value.every(isObject),
        parameters: isObject,
        metadata: isObject,
        raw_usage: () => true,
      },
      ...{ request_body: isObject, response_body: isObject },
    }),
    chunkTimes: Array.isArray(chunkTimes) ? chunkTimes.filter(isPlace) : null,
  }
}

type Kinds = Readonly<Record<string, (value: unknown) => boolean>>

function fields<T extends object>(given: T, kinds: Kinds): T {
  const found = Object.entries(objectOf(given)).map(([name, value]) => [name, fitting(value, kinds[name])])
  const empty = Object.entries(kinds).map(([name, fits]) => [name, [null, [], {}].find(fits)])
  return new Proxy(Object.fromEntries([...empty, ...found.filter(([, value]) => value !== undefined)]), {
    get: (target, name) => Reflect.get(target, name) ?? null,
  })
}

/** The value as it can be shown; undefined: it cannot be there. */
function fitting(value: unknown, fits: Kinds[string] | undefined): unknown {
  if (fits !== undefined) return fits(value) ? value : undefined
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}

const isPlace = (pair: unknown): boolean =>
  Array.isArray(pair) && pair.length === 2 && pair.every((part) => Number.isFinite(part))

const furthestMs = 8.64e15
const momentOf = (ms: unknown): number => (typeof ms === 'number' && Math.abs(ms) <= furthestMs ? ms : 0)

import { dayMs } from '../../src/stores/rollups/levels.ts'
import type { Store } from '../../src/stores/store.ts'
import { endMs, keyId, modelId, projectId, startMs, userId } from './calls.ts'

type Asked = Pick<Store, 'usage' | 'runs' | 'run'>
type Question = (store: Asked) => Promise<unknown>

const project = projectId(1)
const key = keyId(1)
const user = userId(1)
const model = modelId(7)
const lastDay = { fromMs: endMs - dayMs, toMs: endMs }
const september = { fromMs: Date.UTC(2026, 8, 1), toMs: Date.UTC(2026, 9, 1) }

/** What is asked of a database with calls, by name. The key, its project and its user are among the busiest. */
export function questions(id: string): Readonly<Record<string, Question>> {
  return {
    'usage: all projects by model': (store) => store.usage(null, { groupBy: ['project', 'model'] }),
    'usage: a project by day': (store) => store.usage(project, { groupBy: ['day'] }),
    'usage: a project by day in Berlin': (store) =>
      store.usage(project, { groupBy: ['day'], timeZone: 'Europe/Berlin' }),
    'usage: a project by day in Kolkata': (store) =>
      store.usage(project, { groupBy: ['day'], timeZone: 'Asia/Kolkata' }),
    'usage: the last day by hour': (store) => store.usage(project, { groupBy: ['hour'], fromMs: endMs - dayMs }),
    'usage: one key': (store) => store.usage(project, { groupBy: ['model'], key }),
    "usage: one key's day by hour": (store) => store.usage(project, { groupBy: ['hour'], key, ...lastDay }),
    "usage: one user's month by day": (store) => store.usage(project, { groupBy: ['day'], user, ...september }),
    "usage: a model's month": (store) => store.usage(null, { groupBy: ['day'], model, ...september }),
    'usage: all keys': (store) => store.usage(null, { groupBy: ['key'] }),
    'usage: all users': (store) => store.usage(null, { groupBy: ['user'] }),
    'usage: a week cut through hours': (store) =>
      store.usage(null, {
        groupBy: ['project'],
        fromMs: endMs - 7 * dayMs + 1_234_567,
        toMs: endMs - 1_234_567,
      }),
    'runs: the newest 50': (store) => store.runs(project, { limit: 50 }),
    'runs: the newest 50 of a key': (store) => store.runs(project, { limit: 50, key }),
    'runs: the newest 50 of a user': (store) => store.runs(project, { limit: 50, user }),
    'runs: a model that nobody called': (store) => store.runs(project, { limit: 50, model: 'none' }),
    'runs: text that nobody said': (store) => store.runs(project, { limit: 50, text: 'none of this' }),
    'runs: one by its id': (store) => store.run(null, id),
  }
}

/** The answers of an opened store as texts, by the names of the questions. */
export async function answersOf(store: Asked): Promise<Record<string, string>> {
  const answers: Record<string, string> = {}
  for (const [name, ask] of Object.entries(questions(await anId(store))))
    answers[name] = JSON.stringify(await ask(store))
  return answers
}

/** The id of a call of the middle of the time. */
export async function anId(store: Asked): Promise<string> {
  const { items } = await store.runs(null, { limit: 1, toMs: (startMs + endMs) / 2 })
  if (items[0] === undefined) throw new Error('no call came in the first half of the time')
  return items[0].telemetry._id
}

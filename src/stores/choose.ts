import type { Clock } from '../lib/clock.ts'
import { type RunPage, type Store, Unanswerable } from './store.ts'

export interface ChoiceOptions {
  /** Asked whenever it answers: it has what others delivered too, and what this machine has forgotten. */
  shared: Store
  /** This machine's own: has what is not delivered yet. */
  own: Store
  /** False while records cannot be delivered to the shared one. */
  reachable(): boolean
  failed(error: unknown): void
  clock: Pick<Clock, 'mono'>
}

/** The shared store, or this machine's own while that does not answer. */
export function chooseStore({ shared, own, reachable, failed, clock }: ChoiceOptions): Store {
  let avoidUntilMs = Number.NEGATIVE_INFINITY
  const usable = (): boolean => reachable() && clock.mono() >= avoidUntilMs

  const ask = async <T>(question: (store: Store) => Promise<T>): Promise<T> => {
    if (!usable()) return question(own)
    try {
      return await question(shared)
    } catch (error) {
      if (error instanceof Unanswerable) throw error
      avoidUntilMs = clock.mono() + avoidMs
      failed(error)
      return question(own)
    }
  }

  /** What was not found there may not be delivered yet. */
  const find = async <T>(question: (store: Store) => Promise<T | null>): Promise<T | null> => {
    let asked: Store = own
    const found = await ask((store) => {
      asked = store
      return question(store)
    })
    return found ?? (asked === own ? null : question(own))
  }

  return {
    get name() {
      return usable() ? shared.name : own.name
    },
    usage: (project, query) => ask((store) => store.usage(project, query)),
    runs(project, query) {
      if (query.cursor === undefined) return ask(async (store) => signed(store, await store.runs(project, query)))
      const { cursor } = query
      const store = [shared, own].find(({ name }) => cursor.startsWith(`${name}.`))
      if (store === undefined)
        return Promise.reject(new Unanswerable('cursor', `cursor=${cursor}: not one of ours; begin without a cursor`))
      const rest = { ...query, cursor: cursor.slice(store.name.length + 1) }
      return store.runs(project, rest).then((page) => signed(store, page))
    },
    run: (project, id) => find((store) => store.run(project, id)),
    body: (project, id, side) => find((store) => store.body(project, id, side)),
    status: () => ask((store) => store.status()),
    connectionEvents: (limit) => ask((store) => store.connectionEvents(limit)),
    async close() {
      await Promise.all([shared.close(), own.close()])
    },
  }
}

/** A cursor goes on in the store that made it. */
const signed = (store: Store, page: RunPage): RunPage => ({
  ...page,
  nextCursor: page.nextCursor === null ? null : `${store.name}.${page.nextCursor}`,
})

/** After a failed question the shared store is left alone for so long. */
const avoidMs = 5_000

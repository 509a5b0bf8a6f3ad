import { isDeepStrictEqual } from 'node:util'
import type { Document } from 'mongodb'
import type { Commands } from '../../../src/stores/mongodb/server.ts'

interface PretendCollection {
  options: Document
  indexes: Document[]
}

/**
 * What MongoDB keeps of collections, validators, indexes and markers, with its error codes, for tests of set-up: it can be told
 * to refuse commands as other servers, or rights, do.
 */
export class PretendServer implements Commands {
  readonly collections = new Map<string, PretendCollection>()
  readonly markers = new Map<string, Document>()
  readonly sent: Document[] = []
  /** The code a command is refused with; null: it is carried out. */
  refuse: (command: Document) => number | null = () => null

  async run(command: Document): Promise<Document> {
    this.sent.push(command)
    const code = this.refuse(command)
    if (code !== null) throw serverError(code, `no ${Object.keys(command)[0]} here`)
    const [name = ''] = Object.keys(command)
    const answer = this.#commands[name]
    if (answer === undefined) throw serverError(59, `no such command: ${name}`)
    return answer(command)
  }

  /** Commands of these names, sent so far. */
  commands(...names: string[]): Document[] {
    return this.sent.filter((command) => names.includes(Object.keys(command)[0] ?? ''))
  }

  collection(name: string): PretendCollection {
    const found = this.collections.get(name)
    if (found === undefined) throw serverError(26, `no collection ${name}`)
    return found
  }

  index(name: string, index: string): Document | undefined {
    return this.collection(name).indexes.find((one) => one.name === index)
  }

  readonly #commands: Readonly<Record<string, (command: Document) => Document>> = {
    listCollections: () => batch([...this.collections].map(([name, { options }]) => ({ name, options }))),
    listIndexes: ({ listIndexes }) => batch(this.collection(listIndexes).indexes),
    find: ({ filter }) => batch([...this.markers.values()].filter(({ kind }) => kind === filter.kind.$eq)),
    create: ({ create, ...options }) => {
      if (this.collections.has(create)) throw serverError(48, `${create} exists`)
      this.collections.set(create, { options, indexes: [{ key: { _id: 1 }, name: '_id_' }] })
      return { ok: 1 }
    },
    collMod: ({ collMod, index, validator }) => {
      const { options, indexes } = this.collection(collMod)
      if (validator) options.validator = validator
      if (index) Object.assign(indexes.find(({ name }) => name === index.name) ?? {}, index)
      return { ok: 1 }
    },
    createIndexes: ({ createIndexes, indexes }) => {
      const there = this.collection(createIndexes).indexes
      for (const wanted of indexes) {
        const same = there.find(({ name, key }) => name === wanted.name || isDeepStrictEqual(key, wanted.key))
        if (same === undefined) there.push({ ...wanted })
        else if (!isDeepStrictEqual(same, wanted)) throw serverError(85, `${wanted.name} exists with other options`)
      }
      return { ok: 1 }
    },
    dropIndexes: ({ dropIndexes, index }) => {
      const { indexes } = this.collection(dropIndexes)
      indexes.splice(
        indexes.findIndex(({ name }) => name === index),
        1,
      )
      return { ok: 1 }
    },
    update: ({ updates }) => {
      for (const { q, u } of updates)
        this.markers.set(q._id.$eq, { _id: q._id.$eq, ...this.markers.get(q._id.$eq), ...u.$set })
      return { ok: 1 }
    },
  }
}

const batch = (documents: readonly Document[]): Document => ({ cursor: { firstBatch: structuredClone(documents) } })

export const serverError = (code: number, message: string): Error => Object.assign(new Error(message), { code })

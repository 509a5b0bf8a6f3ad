import {
  type CollectionName,
  collectionNames,
  collections,
  expiryOf,
  indexesFor,
  indexSpec,
  type Retention,
} from './collections.ts'

/**
 * Lines for `mongosh` that bring collections to what Sightglass would make of them: for those that somebody else made, and for
 * an operator who gives our user no such rights. They may be run again.
 */
export function setupCommands(retention: Retention, names: readonly CollectionName[] = collectionNames): string[] {
  return names.flatMap((name) => {
    const { validator, expiresBy } = collections[name]
    const seconds = expiryOf(name, retention)
    const collection = `db.getCollection(${JSON.stringify(name)})`
    return [
      `if (!db.getCollectionNames().includes(${JSON.stringify(name)})) db.createCollection(${JSON.stringify(name)})`,
      `db.runCommand(${JSON.stringify({ collMod: name, validator })})`,
      ...indexesFor(name, retention).map((key) => {
        const { name: named, key: fields } = indexSpec(key)
        const expires = expiresBy !== null && seconds !== null && named === `${expiresBy}_1`
        const options = { name: named, ...(expires ? { expireAfterSeconds: seconds } : {}) }
        return `${collection}.createIndex(${JSON.stringify(fields)}, ${JSON.stringify(options)})`
      }),
    ]
  })
}

export { type CollectionName, collectionNames, type Retention } from './collections.ts'
export { type MongoStoreOptions, openMongoStore } from './query.ts'
export { setupCommands } from './setup-commands.ts'
export { type MongoSinkOptions, openMongoSink } from './sink.ts'

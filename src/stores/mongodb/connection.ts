import type { MongoClientOptions } from 'mongodb'
import { type Db, type Driver, loadDriver } from './driver.ts'

export interface MongoAddress {
  /** As the driver takes it; secret. */
  uri: string
  /** The name of the database. */
  database: string
}

/** One pool of connections, opened at the first need. */
export interface Connection {
  open(): Promise<{ driver: Driver; db: Db }>
  close(): Promise<void>
}

export function connectionTo({ uri, database }: MongoAddress): Connection {
  let opened: Promise<{ driver: Driver; client: InstanceType<Driver['MongoClient']> }> | null = null
  const open = async () => {
    const driver = await loadDriver()
    return { driver, client: new driver.MongoClient(uri, settingsFor(uri)) }
  }
  return {
    async open() {
      opened ??= open()
      try {
        const { driver, client } = await opened
        return { driver, db: client.db(database) }
      } catch (error) {
        opened = null
        throw error
      }
    },
    async close() {
      const ending = opened
      opened = null
      if (ending !== null) await (await ending).client.close()
    },
  }
}

/**
 * Nothing waits for ever, and an acknowledgement means what it says: written to the disks of most members. What the address
 * says about waiting and pools holds; what it says about acknowledgements does not.
 */
export function settingsFor(uri: string): MongoClientOptions {
  const given = new Set([...new URLSearchParams(uri.split('?')[1] ?? '').keys()].map((name) => name.toLowerCase()))
  const waits = {
    appName: 'sightglass',
    serverSelectionTimeoutMS: 2000,
    connectTimeoutMS: 2000,
    socketTimeoutMS: 10_000,
    maxPoolSize: 4,
    waitQueueTimeoutMS: 2000,
  }
  return {
    ...Object.fromEntries(Object.entries(waits).filter(([name]) => !given.has(name.toLowerCase()))),
    writeConcern: { w: 'majority', journal: true },
  }
}

import type { MongoClientOptions } from 'mongodb'
import { type Db, type Driver, loadDriver } from './driver.ts'

export interface MongoAddress {
  /** As the driver takes it; secret. */
  uri: string
  /** The name of the database. */
  database: string
}

/** One pool of connections, opened at the first need; an opening that failed is tried anew at the next. */
export interface Connection {
  open(): Promise<{ driver: Driver; db: Db }>
  close(): Promise<void>
}

export function connectionTo({ uri, database }: MongoAddress): Connection {
  let opening: Promise<Opened> | null = null
  return {
    async open() {
      opening ??= opened(uri)
      const mine = opening
      try {
        const { driver, client } = await mine
        return { driver, db: client.db(database) }
      } catch (error) {
        if (opening === mine) opening = null
        throw error
      }
    },
    async close() {
      const ending = opening
      opening = null
      const found = await ending?.catch(() => null) // never opened: nothing to close
      await found?.client.close()
    },
  }
}

interface Opened {
  driver: Driver
  client: InstanceType<Driver['MongoClient']>
}

/** A client whose first connection failed can never be used again. */
async function opened(uri: string): Promise<Opened> {
  const driver = await loadDriver()
  const client = new driver.MongoClient(uri, settingsFor(uri))
  try {
    await client.connect()
    return { driver, client }
  } catch (error) {
    await client.close()
    throw error
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
    maxPoolSize: 6,
    waitQueueTimeoutMS: 2000,
  }
  return {
    ...Object.fromEntries(Object.entries(waits).filter(([name]) => !given.has(name.toLowerCase()))),
    writeConcern: { w: 'majority', journal: true },
  }
}

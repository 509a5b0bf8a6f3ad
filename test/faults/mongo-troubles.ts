import type { FakeMongo, MongoFault } from '../support/fake-mongo.ts'
import type { FaultLink } from '../support/fault-link.ts'

/** Something that goes wrong with a MongoDB, or on the way to it, and how it is mended. */
export type MongoTrouble = readonly [name: string, begin: () => unknown, end: () => unknown]

/** All that can go wrong while a proxy delivers to this MongoDB over this link. */
export function mongoTroubles(mongo: FakeMongo, link: FaultLink): MongoTrouble[] {
  const answers = (fault: MongoFault) => {
    let inserts = 0
    return () => {
      mongo.fault = () => (++inserts % 2 === 0 ? fault : null)
    }
  }
  const well = () => {
    mongo.fault = () => null
  }
  return [
    ['killed', () => link.refuse(), () => link.accept()],
    ['hanging', () => Object.assign(link, { down: { hang: true } }), () => Object.assign(link, { down: {} })],
    ['slow', () => Object.assign(link, { down: { latencyMs: 400 } }), () => Object.assign(link, { down: {} })],
    ['reset', () => link.reset(), () => {}],
    ['refusing', answers({ kind: 'error', code: 10107 }), well],
    ['not safe', answers({ kind: 'writeConcernError', code: 64 }), well],
    ['losing answers', answers({ kind: 'applyThenReset' }), well],
  ]
}

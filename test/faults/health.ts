import { eventually } from '../support/within.ts'

export interface Counters {
  accepted: number
  stored: number
  pending: number
  quarantined: number
  dropped: number
}

export interface Health {
  status: string
  services: Record<string, { state: string; message: string | null }>
  records: Counters & { unprotected: number }
  sinks: Record<string, Counters>
  answered_by: string
}

/** What `/health` says. Throws when its counters do not add up: they must at every moment. */
export async function healthOf(url: string): Promise<Health> {
  return addedUp(await asked(url))
}

/** Resolves once everything accepted is stored, and delivered where there is a sink. */
export async function delivered(url: string, ms = 30_000): Promise<Health> {
  const found = await eventually(
    'everything to be stored and delivered',
    async () => {
      const health = await asked(url)
      if (!addsUp(health) || isDelivered(health)) return health
      throw new Error(`still pending: ${JSON.stringify({ counters: countersOf(health), services: health.services })}`)
    },
    ms,
    50,
  )
  return addedUp(found)
}

async function asked(url: string): Promise<Health> {
  const answer = await fetch(`${url}/health`)
  const health = (await answer.json()) as Health
  if (!health.records) throw new Error(`no counters in ${JSON.stringify(health)}`)
  return health
}

const countersOf = ({ records, sinks }: Health): Counters[] => [records, ...Object.values(sinks)]

const addsUp = (health: Health): boolean =>
  countersOf(health).every(
    ({ accepted, stored, pending, quarantined, dropped }) => accepted === stored + pending + quarantined + dropped,
  )

function addedUp(health: Health): Health {
  if (!addsUp(health)) throw new Error(`the counters do not add up: ${JSON.stringify(countersOf(health))}`)
  return health
}

const isDelivered = (health: Health): boolean => countersOf(health).every(({ pending }) => pending === 0)

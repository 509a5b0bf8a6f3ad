import type { PurgeAnswer } from '../api/purge-answer.ts'
import type { Io } from './command.ts'
import { CommandFailure } from './failure.ts'
import type { PurgePlace, PurgeQuestion } from './purge-place.ts'
import { progressText } from './purge-text.ts'

/** Asks for a purge and looks until all is done, or until what is left waits for something that may take long. */
export async function purgeOn(
  place: PurgePlace,
  question: PurgeQuestion,
  io: Pick<Io, 'note'>,
  now: () => number = () => performance.now(),
): Promise<PurgeAnswer> {
  let purge = await place.ask(question)
  let toldMs = now()
  let changedMs = toldMs
  for (let before = ''; purge.state === 'waiting'; ) {
    const nowMs = now()
    const parts = JSON.stringify(purge.parts)
    if (parts !== before) changedMs = nowMs
    before = parts
    const isHeld = purge.parts.every(({ state, message }) => state === 'done' || message !== null)
    if (nowMs - changedMs >= (isHeld ? place.heldMs : stillMs)) return purge
    if (nowMs - toldMs >= everyMs) {
      toldMs = nowMs
      io.note(progressText(purge))
    }
    const next = await place.look(purge.number)
    if (next === null) throw new CommandFailure(`purge ${purge.number} is not known any more`)
    purge = next
  }
  return purge
}

const everyMs = 1_000
/** So long is waited for a part that does not say what it waits for. */
const stillMs = 120_000

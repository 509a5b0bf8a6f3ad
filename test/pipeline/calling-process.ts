import { writeSync } from 'node:fs'
import { openJournal } from '../../src/journal/writer.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newId } from '../../src/lib/id.ts'
import { closeOf, headOf, openOf } from '../journal/samples.ts'

/** Makes calls without end into the journal named on the command line, and announces each end once it is safe. */
const journal = openJournal({ dir: process.argv[2]!, clock: systemClock, segmentBytes: 256 * 1024 })

for (let stream = 0; stream < 48; stream++) call()

function call() {
  const id = newId(Date.now())
  const exchange = journal.open(openOf(id), () => journal.head(exchange, headOf()))
  const pieces = 1 + (exchange % 9)
  let sent = 0
  const next = () => {
    const bytes = Buffer.alloc(1 + ((sent * 37 + exchange) % 3000), 'x')
    journal.data(exchange, 'response', sent, 1, bytes)
    sent += bytes.length
    if (--left > 0) setImmediate(next)
    else journal.close(exchange, closeOf(0, sent), (safe) => safe && done())
  }
  const done = () => {
    writeSync(1, `${id} ${sent}\n`)
    call()
  }
  let left = pieces
  setImmediate(next)
}

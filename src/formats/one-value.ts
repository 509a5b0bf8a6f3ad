import { isObject, type JsonObject } from '../records/json.ts'
import { Answer } from './answer.ts'
import type { Decoder } from './decoder.ts'
import { errorIn } from './error-forms.ts'

/** A decoder of answers that are one JSON value and never a stream. `read` takes the format's own part of it. */
export function oneValueDecoder(read: (answer: Answer, value: JsonObject) => void): Decoder {
  const answer = new Answer()
  const take = (value: unknown): void => {
    answer.terminated = true
    const error = errorIn(value)
    if (error) answer.fail(error)
    if (!isObject(value)) return
    answer.tokenSource = 'reported'
    read(answer, value)
  }
  return { push: take, whole: take, done() {}, finish: () => answer.result() }
}

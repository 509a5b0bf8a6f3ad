import { countAt, stringAt } from '../../records/json.ts'
import type { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'

export type EventReaders = Readonly<Record<string, (event: unknown, index: number) => void>>

/** Decodes events that name themselves in a field of their own, or one whole answer; events of other names pass by. */
export function eventDecoder(
  answer: Answer,
  nameField: string,
  events: EventReaders,
  readWhole: (value: unknown) => void,
): Decoder {
  const fail = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) answer.fail(error)
  }
  return {
    push(value, atMs, name) {
      answer.event(atMs)
      fail(value, name)
      const type = stringAt(value, nameField) ?? name ?? ''
      if (Object.hasOwn(events, type)) events[type]?.(value, countAt(value, 'index') ?? 0)
    },
    whole(value) {
      answer.terminated = true
      fail(value, null)
      readWhole(value)
    },
    done() {
      answer.terminated = true
    },
    finish: () => answer.result(),
  }
}

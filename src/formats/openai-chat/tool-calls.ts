import { arrayAt, countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import type { Answer } from '../answer.ts'

/**
 * Finds the call that each fragment belongs to: by its index; without one by its id, else the call last begun. The old
 * `function_call` counts only where the choice never had `tool_calls`, for some servers send both.
 */
export class ToolCalls {
  readonly #modern = new Set<number>()

  /** `whole`: the message is complete, so that calls without index and id are told apart by their place. */
  read(answer: Answer, choice: number, said: JsonObject, whole: boolean): void {
    const fragments = arrayAt(said, 'tool_calls')
    fragments.forEach((fragment, place) => {
      if (!isObject(fragment)) return
      this.#modern.add(choice)
      const slot = countAt(fragment, 'index') ?? slotOf(answer, choice, stringAt(fragment, 'id'), whole ? place : null)
      answer.tool(choice, slot, {
        id: fragment.id,
        name: stringAt(fragment, 'function', 'name') ?? stringAt(fragment, 'custom', 'name') ?? fragment.name,
        arguments: argumentsOf(fragment),
      })
    })
    if (isObject(said.function_call) && !this.#modern.has(choice)) {
      const { name, arguments: given } = said.function_call
      answer.tool(choice, 'function_call', { name, arguments: given })
    }
  }
}

function slotOf(answer: Answer, choice: number, id: string | null, place: number | null): string | number {
  if (id) return `id ${id}`
  if (place !== null) return `place ${place}`
  return answer.lastToolSlot(choice) ?? 'place 0'
}

function argumentsOf(fragment: JsonObject): unknown {
  const { function: called, custom } = fragment
  if (isObject(custom)) return custom.input
  return isObject(called) ? called.arguments : fragment.arguments
}

import { arrayAt, at, isObject, stringAt } from '../../records/json.ts'
import type { Answer } from '../answer.ts'
import { bytesOfBase64, placeholder } from '../request-text.ts'

type Readers = Readonly<Record<string, (value: unknown, index: number) => void>>

/**
 * Reads the steps of an interaction, whole or as they grow. Steps that hold what the user said or what a tool returned were not
 * generated.
 */
export class Steps {
  /** A function of the client's was called. */
  called = false
  readonly #answer: Answer
  readonly #named = new Set<number>()

  readonly #steps: Readers = {
    model_output: (step) => {
      for (const part of arrayAt(step, 'content')) this.#part(part)
    },
    thought: (step) => {
      for (const part of arrayAt(step, 'summary')) this.#thought(part)
    },
  }

  readonly #deltas: Readers = {
    text: (delta) => this.#part(delta),
    image: (delta) => this.#part(delta),
    audio: (delta) => this.#part(delta),
    video: (delta) => this.#part(delta),
    document: (delta) => this.#part(delta),
    thought_summary: (delta) => this.#thought(at(delta, 'content')),
    arguments_delta: (delta, index) => this.#answer.tool(0, index, { arguments: at(delta, 'arguments') }),
  }

  constructor(answer: Answer) {
    this.#answer = answer
  }

  whole(index: number, step: unknown): void {
    const type = stringAt(step, 'type') ?? ''
    if (type.endsWith('_call')) this.#call(index, step, type, true)
    else this.start(index, step)
  }

  start(index: number, step: unknown): void {
    const type = stringAt(step, 'type') ?? ''
    if (type.endsWith('_call')) this.#call(index, step, type, false)
    else if (Object.hasOwn(this.#steps, type)) this.#steps[type]?.(step, index)
  }

  delta(index: number, delta: unknown): void {
    const type = stringAt(delta, 'type') ?? ''
    if (type.endsWith('_call')) this.#call(index, delta, type, true)
    else if (Object.hasOwn(this.#deltas, type)) this.#deltas[type]?.(delta, index)
  }

  /** A function by its name; the server's own tools by theirs (`google_search`). A step may begin with empty arguments. */
  #call(index: number, step: unknown, type: string, whole: boolean): void {
    if (type === 'function_call') this.called = true
    const given = at(step, 'arguments')
    const some = whole ? isObject(given) : isObject(given) && Object.keys(given).length > 0
    const name = this.#named.has(index) ? '' : (stringAt(step, 'name') ?? type.slice(0, -'_call'.length))
    this.#named.add(index)
    this.#answer.tool(0, index, { id: at(step, 'id'), name, ...(some && { arguments: given }) })
  }

  #thought(part: unknown): void {
    if (stringAt(part, 'type') === 'text' || at(part, 'type') === undefined) this.#answer.reasoning(0, at(part, 'text'))
    else if (stringAt(part, 'data')) this.#answer.hidden()
  }

  #part(part: unknown): void {
    const type = stringAt(part, 'type') ?? ''
    const data = stringAt(part, 'data') ?? ''
    if (type === 'text') this.#answer.text(0, at(part, 'text'))
    else if (data !== '' && type === 'audio') this.#answer.bytes(0, type, bytesOfBase64(data))
    else if (data !== '') this.#answer.part(0, placeholder(type, bytesOfBase64(data)))
    else if (stringAt(part, 'uri')) this.#answer.part(0, placeholder(`${type} link`, null))
  }
}

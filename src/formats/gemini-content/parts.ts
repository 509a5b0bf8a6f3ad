import { at, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import type { Answer } from '../answer.ts'
import { jsonText } from '../json-text.ts'
import { bytesOfBase64, placeholder } from '../request-text.ts'
import { PartialArguments } from './partial-arguments.ts'
import { mediaKind } from './request.ts'

/** Reads the parts of candidates. What the server's own tools returned was not generated, and signatures mean nothing to us. */
export class Parts {
  readonly #answer: Answer
  readonly #called = new Set<number>()
  /** Calls whose arguments come in pieces, by candidate. */
  readonly #open = new Map<number, { slot: number; given: PartialArguments }>()
  #calls = 0

  constructor(answer: Answer) {
    this.#answer = answer
  }

  read(index: number, part: unknown): void {
    if (!isObject(part)) return
    const text = stringAt(part, 'text')
    if (text !== null && part.thought === true) this.#answer.reasoning(index, text)
    else if (text !== null) this.#answer.text(index, text)
    this.#answer.text(index, at(part, 'audioTranscription', 'text'))
    if (isObject(part.functionCall)) this.#function(index, part.functionCall)
    if (isObject(part.executableCode)) this.#code(index, part.executableCode)
    if (isObject(part.toolCall)) this.#own(index, part.toolCall)
    if (isObject(part.inlineData)) this.#media(index, part.inlineData, part.thought === true)
    if (isObject(part.fileData))
      this.#answer.part(index, placeholder(`${mediaKind(stringAt(part.fileData, 'mimeType'))} link`, null))
  }

  /** The candidate called a function of the client's. */
  called(index: number): boolean {
    return this.#called.has(index)
  }

  /** A call that was not finished keeps the arguments that had come. */
  end(): void {
    for (const index of [...this.#open.keys()]) this.#close(index)
  }

  /** Whole, or begun by name, continued with pieces of arguments and ended by an empty call. */
  #function(index: number, call: JsonObject): void {
    this.#called.add(index)
    const open = this.#open.get(index)
    if (open && !stringAt(call, 'name')) {
      this.#pieces(open.given, call.partialArgs)
      if (call.willContinue !== true) this.#close(index)
      return
    }
    this.#close(index)
    const slot = this.#calls++
    this.#answer.tool(index, slot, { id: call.id, name: call.name, arguments: call.args })
    if (call.willContinue !== true && call.partialArgs === undefined) return
    const given = new PartialArguments()
    this.#open.set(index, { slot, given })
    this.#pieces(given, call.partialArgs)
    if (call.willContinue !== true) this.#close(index)
  }

  #pieces(given: PartialArguments, pieces: unknown): void {
    if (!Array.isArray(pieces) || pieces.length === 0) return
    this.#answer.hidden()
    given.add(pieces)
  }

  #close(index: number): void {
    const open = this.#open.get(index)
    if (open) this.#answer.toolArguments(index, open.slot, jsonText(open.given.value))
    this.#open.delete(index)
  }

  /** Code that the model wrote for the server to run. */
  #code(index: number, { id, language, code }: JsonObject): void {
    this.#answer.tool(index, this.#calls++, { id, name: 'code_execution', arguments: { language, code } })
  }

  /** A call of one of the server's tools. */
  #own(index: number, { id, toolType, args }: JsonObject): void {
    this.#answer.tool(index, this.#calls++, { id, name: toolType, arguments: args })
  }

  #media(index: number, { data, mimeType }: JsonObject, thought: boolean): void {
    if (typeof data !== 'string' || data === '') return
    const kind = mediaKind(typeof mimeType === 'string' ? mimeType : null)
    if (thought) this.#answer.hidden()
    else if (kind === 'audio') this.#answer.bytes(index, kind, bytesOfBase64(data))
    else this.#answer.part(index, placeholder(kind, bytesOfBase64(data)))
  }
}

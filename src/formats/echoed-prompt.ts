import type { Answer } from './answer.ts'

/**
 * Tells text that the server repeats from the request from text that the model made. `prompts` are the repeated texts (none:
 * nothing is echoed); an empty one is unknown (token ids), and then the first text of a choice is taken for it.
 */
export class EchoedPrompt {
  readonly #prompts: readonly string[]
  readonly #choicesPerPrompt: number
  /** What is still to be repeated, by choice. */
  readonly #left = new Map<number, string | null>()

  constructor(prompts: readonly string[], choicesPerPrompt: number) {
    this.#prompts = prompts
    this.#choicesPerPrompt = Math.max(1, choicesPerPrompt)
  }

  /** Hands a text to the answer, split where the prompt ends. */
  pass(answer: Answer, index: number, text: unknown): void {
    if (typeof text !== 'string' || text === '') return
    if (this.#prompts.length === 0) return answer.text(index, text)
    const echoed = this.#echoedLength(index, text)
    answer.echoed(index, text.slice(0, echoed))
    answer.text(index, text.slice(echoed))
  }

  #echoedLength(index: number, text: string): number {
    const known = this.#left.get(index)
    const left = known === undefined ? (this.#prompts[Math.floor(index / this.#choicesPerPrompt)] ?? '') : known
    if (left === null) return 0
    if (left === '') {
      this.#left.set(index, null)
      return known === undefined ? text.length : 0
    }
    if (text.startsWith(left)) {
      this.#left.set(index, null)
      return left.length
    }
    const repeats = left.startsWith(text)
    this.#left.set(index, repeats ? left.slice(text.length) : null)
    return repeats ? text.length : 0
  }
}

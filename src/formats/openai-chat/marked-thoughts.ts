import { at, type JsonObject } from '../../records/json.ts'

const opening = '<thought>'
const closing = '</thought>'

/**
 * Gemini's OpenAI layer writes thoughts into the content: marked, and between tags, of which the closing one begins the first
 * piece that is no longer marked; a whole message is marked though only its start is thought.
 */
export class MarkedThoughts {
  readonly #open = new Set<number>()

  /** What of a choice's content is thought, and what is said. */
  split(index: number, said: JsonObject, content: string): { thought: string; text: string } {
    const marked = at(said, 'extra_content', 'google', 'thought') === true
    if (!marked && !this.#open.has(index)) return { thought: '', text: content }
    const rest = marked && content.startsWith(opening) ? content.slice(opening.length) : content
    const end = rest.indexOf(closing)
    if (marked && end === -1) this.#open.add(index)
    else this.#open.delete(index)
    if (end >= 0) return { thought: rest.slice(0, end), text: rest.slice(end + closing.length) }
    return marked ? { thought: rest, text: '' } : { thought: '', text: content }
  }
}

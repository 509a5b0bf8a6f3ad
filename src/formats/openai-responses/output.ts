import { countAt, isObject, type JsonObject, objectOf, stringAt } from '../../records/json.ts'
import type { Channel, FragmentKind } from './events.ts'
import { type OutputItem, readItem, sizeOf } from './items.ts'

const limits = { items: 512, parts: 1024 }

/**
 * The items of a stream as they become known. Everything is told up to four times (deltas, `.done`, the item, the response):
 * of each item the telling counts that says most, so that an event that was lost costs nothing where a later one repeats it.
 */
export class Output {
  readonly #items = new Map<string, StreamedItem>()
  readonly #slots = new Map<string, string>()

  /** Of an event about an item: told apart by its place; by its id where a server sends no place. */
  item(event: JsonObject): StreamedItem | null {
    const slot = this.#slotOf(event)
    let item = this.#items.get(slot)
    if (!item) {
      if (this.#items.size >= limits.items) return null
      item = new StreamedItem()
      this.#items.set(slot, item)
    }
    return item
  }

  items(): OutputItem[] {
    return [...this.#items.values()].map((item) => item.read())
  }

  #slotOf(event: JsonObject): string {
    const id = stringAt(event, 'item_id') || stringAt(event, 'item', 'id')
    const place = countAt(event, 'output_index')
    // gateways may change the id of an item on the way, its place stays
    const slot = place !== null ? `place ${place}` : id ? (this.#slots.get(id) ?? `id ${id}`) : this.#last()
    if (id && this.#slots.size < limits.items) this.#slots.set(id, slot)
    return slot
  }

  #last(): string {
    return [...this.#items.keys()].at(-1) ?? 'place 0'
  }
}

class StreamedItem {
  /** Something of it was timed as generated content. */
  heard = false
  #started: JsonObject = {}
  #done: JsonObject | null = null
  readonly #parts = new Map<string, { channel: Channel; text: string }>()

  begin(item: unknown): void {
    this.#started = objectOf(item)
  }

  end(item: unknown): void {
    if (isObject(item)) this.#done = item
  }

  /** Adds a fragment, or the whole of one. True: it says something that was not said before. */
  add(kind: FragmentKind, index: number, value: string): boolean {
    if (value === '') return false
    this.heard = true
    const key = `${kind.channel} ${index}`
    const part = this.#parts.get(key)
    if (!part) {
      if (this.#parts.size >= limits.parts) return false
      this.#parts.set(key, { channel: kind.channel, text: value })
      return true
    }
    if (!kind.whole) part.text += value
    else if (value.length > part.text.length) part.text = value
    return !kind.whole
  }

  read(): OutputItem {
    const streamed = readItem(this.#assembled())
    const whole = this.#done === null ? null : readItem(this.#done)
    return whole && sizeOf(whole) >= sizeOf(streamed) ? whole : streamed
  }

  /** The item as its fragments make it. */
  #assembled(): JsonObject {
    if (this.#parts.size === 0) return this.#started
    const of = (channel: Channel): string[] =>
      [...this.#parts.values()].filter((part) => part.channel === channel).map((part) => part.text)
    const inputs = of('input')
    const type = stringAt(this.#started, 'type') ?? this.#likelyType()
    if (type === 'shell_call') return { ...this.#started, action: { commands: inputs } }
    const input = inputs.join('')
    return {
      ...this.#started,
      type,
      content: [
        ...of(type === 'reasoning' ? 'reasoning' : 'text').map((text) => ({ text })),
        ...of('refusal').map((refusal) => ({ refusal })),
      ],
      summary: of('summary').map((text) => ({ text })),
      ...(input === '' ? {} : { arguments: input, input, code: input }),
    }
  }

  /** What it is when the event that began it was lost, or was sent before the stream was taken up again. */
  #likelyType(): string {
    const channels = new Set([...this.#parts.values()].map((part) => part.channel))
    if (channels.has('input')) return 'function_call'
    return channels.has('text') || channels.has('refusal') ? 'message' : 'reasoning'
  }
}

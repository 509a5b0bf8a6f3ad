import { createHash } from 'node:crypto'
import { arrayAt, at, type JsonObject, objectOf, stringAt } from '../records/json.ts'

/** What the scripted model says to a conversation: always the same to the same words, with honest token counts. */
export function reply(asked: Asked): Reply {
  const input = asked.messages.reduce((sum, text) => sum + tokensOf(text) + 4, 3) + tokensOf(asked.toolsText)
  const seed = number(asked.messages.join('\n'))
  const tools = asked.tools
    .slice(0, 2)
    .map((tool) => ({ name: tool.name, arguments: filled(tool.schema, asked.question) }))
  const thinking = asked.think ? pieces(`The question is about ${topic(asked.question)}. ${sentence(seed, 7)}`) : []
  const said = asked.json ? JSON.stringify({ answer: topic(asked.question) }) : speech(asked.question, seed)
  const whole = tools.length > 0 ? [] : pieces(said)
  const room = asked.maxTokens === null ? whole.length : Math.max(0, asked.maxTokens - thinking.length)
  const text = whole.slice(0, room)
  const called = tools.reduce((sum, tool) => sum + 1 + argumentPieces(tool.arguments).length, 0)
  return {
    thinking,
    text,
    tools,
    finish: tools.length > 0 ? 'tools' : text.length < whole.length ? 'length' : 'stop',
    input,
    output: thinking.length + text.length + called,
  }
}

export interface Asked {
  /** The text of each message, oldest first. */
  messages: readonly string[]
  /** What the user said last. */
  question: string
  /** Tools to call now: none once their results are there. */
  tools: readonly ToolOffer[]
  /** Their definitions, which count as input whether or not they are called. */
  toolsText: string
  maxTokens: number | null
  think: boolean
  json: boolean
}

export interface ToolOffer {
  name: string
  schema: unknown
}

export interface Reply {
  /** Text in pieces of one token each. */
  thinking: readonly string[]
  text: readonly string[]
  tools: readonly { name: string; arguments: JsonObject }[]
  finish: 'stop' | 'length' | 'tools'
  input: number
  output: number
}

/** Words and marks: this model's tokens. */
export const tokensOf = (text: string): number => text.match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)?.length ?? 0

/** Pieces of a tool's arguments, one token each. */
export const argumentPieces = (value: JsonObject): string[] => JSON.stringify(value).match(/.{1,8}/gsu) ?? []

/** A vector that is always the same for the same text, of length 1. */
export function vector(text: string, size: number): number[] {
  const values = Array.from({ length: size }, (_, place) => (number(`${place}:${text}`) / 0xffffffff) * 2 - 1)
  const length = Math.hypot(...values)
  return values.map((value) => Math.fround(value / length))
}

/** An id that is always the same for the same request. */
export const idOf = (prefix: string, body: unknown, length = 24): string =>
  prefix + createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, length)

/** The text of a message's content: a string, or the text parts of a list. */
export const textOf = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : (Array.isArray(content) ? content : [])
        .map((part) => stringAt(part, 'text') ?? textOf(objectOf(part).content ?? ''))
        .join('\n')

/** Tools as OpenAI and Ollama declare them (`{function: {name, parameters}}`). */
export const functionsIn = (body: unknown): ToolOffer[] =>
  arrayAt(body, 'tools').flatMap((tool) => {
    const name = stringAt(tool, 'function', 'name')
    return name === null ? [] : [{ name, schema: at(tool, 'function', 'parameters') }]
  })

const number = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE(0)

const pieces = (text: string): string[] => text.match(/\s*\S+/g) ?? []

function speech(question: string, seed: number): string {
  const count = 2 + (seed % 3)
  const body = Array.from({ length: count }, (_, place) => sentence(seed, place))
  return `About ${topic(question)}: ${body.join(' ')}`
}

const sentence = (seed: number, place: number): string => sentences[(seed + place * 5) % sentences.length]!

const sentences = [
  'The short answer is yes, with two small conditions that are easy to meet.',
  'Most of the time the simplest approach turns out to be the right one.',
  'Three things matter here: where it starts, where it ends, and who is asking.',
  'The numbers support this, although the sample is small.',
  'It helps to look at the last few weeks before deciding anything.',
  'In practice people notice the difference within a day.',
  'A second look at the details shows nothing unusual.',
  'If that does not work, go back one step and try the other order.',
  'The cost stays low as long as the list is kept short.',
  'Two of the five options can be ruled out at once.',
  'There is one exception, and it is documented.',
]

/** The longest word of the question, so that answers differ visibly. */
const topic = (question: string): string =>
  (question.match(/\p{L}+/gu) ?? ['that'])
    .reduce((best, word) => (word.length > best.length ? word : best))
    .toLowerCase()

/** Arguments that satisfy a simple schema. */
function filled(schema: unknown, question: string): JsonObject {
  const properties = Object.entries(objectOf(at(schema, 'properties')))
  return Object.fromEntries(properties.map(([name, property]) => [name, example(property, question)]))
}

function example(property: unknown, question: string): unknown {
  const [choice] = arrayAt(property, 'enum')
  if (choice !== undefined) return choice
  switch (stringAt(property, 'type')) {
    case 'integer':
    case 'number':
      return 3
    case 'boolean':
      return true
    case 'array':
      return []
    case 'object':
      return filled(property, question)
    default:
      return (question.match(/(?<!^)\p{Lu}\p{L}+/u) ?? [topic(question)])[0]
  }
}

import { arrayAt, isObject, objectOf, stringAt } from '../../records/json.ts'
import { cohereParameters } from '../cohere-chat/request.ts'
import { usageOf } from '../cohere-chat/usage.ts'
import { type Format, noFacts, type RequestFacts, type RequestMessage } from '../decoder.ts'
import { oneValueDecoder } from '../one-value.ts'
import { openaiMessage } from '../openai-request.ts'
import { imageFrom, imageText, messageOf, textsOf } from '../request-text.ts'

/** POST /v2/embed and /v1/embed of Cohere. Its vectors are counted, never kept. */
export const cohereEmbed: Format = {
  id: 'cohere-embed',
  operation: 'embeddings',
  largeAnswers: true,
  readRequest,
  decoder: () =>
    oneValueDecoder((answer, value) => {
      answer.identify(value.id, null)
      answer.embeddings = vectorsIn(value.embeddings)
      const usage = usageOf(value.meta)
      answer.usage = usage && { ...usage, output: null, billedOutput: null }
      answer.rawUsage = isObject(value.meta) ? value.meta : null
    }),
}

/** A list of vectors, or one for each type that was asked for (`float`, `int8` …), all as long. */
function vectorsIn(embeddings: unknown): number | null {
  const lists = Array.isArray(embeddings) ? [embeddings] : Object.values(objectOf(embeddings)).filter(Array.isArray)
  return lists[0]?.length ?? null
}

/** Texts, images, or inputs that mix them. */
function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const pictures = arrayAt(body, 'images').filter((image) => typeof image === 'string')
  const messages = [
    ...textsOf(body.texts),
    ...pictures.map((source): RequestMessage => {
      const image = imageFrom(source)
      return messageOf('user', imageText(image), { images: [image] })
    }),
    ...arrayAt(body, 'inputs').map(openaiMessage),
  ]
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    parameters: cohereParameters(body),
    messages,
    inputs: messages.length,
  }
}

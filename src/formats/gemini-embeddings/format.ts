import { arrayAt, isObject, numberAt } from '../../records/json.ts'
import { type Format, noFacts, type RequestFacts } from '../decoder.ts'
import { field } from '../gemini-content/field.ts'
import { contentMessages } from '../gemini-content/request.ts'
import { mergedMetadata, usageOfMetadata } from '../gemini-content/usage.ts'
import { oneValueDecoder } from '../one-value.ts'
import { parametersOf } from '../request-text.ts'

/** POST …/models/{model}:embedContent and :batchEmbedContents. Only newer models count their input. */
export const geminiEmbeddings: Format = {
  id: 'gemini-embeddings',
  operation: 'embeddings',
  largeAnswers: true,
  readRequest: readEmbedRequest,
  decoder: () =>
    oneValueDecoder((answer, value) => {
      if (Array.isArray(value.embeddings)) answer.embeddings = value.embeddings.length
      else if (isObject(value.embedding)) answer.embeddings = arrayAt(value, 'embedding', 'values').length > 0 ? 1 : 0
      const metadata = mergedMetadata(null, value.usageMetadata)
      const usage = metadata && usageOfMetadata(metadata, null)
      answer.usage = usage && { ...usage, output: null }
      answer.rawUsage = metadata
    }),
}

function readEmbedRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const inputs = Array.isArray(body.requests) ? body.requests : [body]
  const messages = inputs.flatMap((input) => contentMessages(field(input, 'content'), 'user'))
  return {
    ...noFacts,
    parameters: parametersOf({ dimensions: numberAt(field(inputs[0], 'outputDimensionality')) }),
    messages,
    inputs: inputs.length,
  }
}

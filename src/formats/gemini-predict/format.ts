import { arrayAt, countAt, isObject, stringAt } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import { type Format, noFacts, type RequestFacts } from '../decoder.ts'
import { oneValueDecoder } from '../one-value.ts'
import { bytesOfBase64, parametersOf, placeholder, textsOf } from '../request-text.ts'

/** POST …/models/{model}:predict: images of Imagen, which are paid by the piece. Those that a filter took out are not there. */
export const geminiPredict: Format = {
  id: 'gemini-predict',
  operation: 'images',
  readRequest,
  decoder: () =>
    oneValueDecoder((answer, value) => {
      const predictions = arrayAt(value, 'predictions')
      const images = predictions.map((prediction) => stringAt(prediction, 'bytesBase64Encoded')).filter(isText)
      for (const [index, data] of images.entries()) answer.part(index, placeholder('image', bytesOfBase64(data)))
      if (images.length > 0) answer.usage = { ...unknownUsage, images: images.length }
      const filtered = predictions.map((prediction) => stringAt(prediction, 'raiFilteredReason')).find(isText)
      if (filtered && images.length === 0) answer.finish(0, filtered.slice(0, 200), 'content_filter')
    }),
}

const isText = (text: string | null): text is string => text !== null && text !== ''

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const prompts = arrayAt(body, 'instances').map((instance) => stringAt(instance, 'prompt') ?? '')
  return {
    ...noFacts,
    parameters: parametersOf({ n: countAt(body, 'parameters', 'sampleCount') }),
    messages: textsOf(prompts.filter((prompt) => prompt !== '')),
    inputs: prompts.length,
  }
}

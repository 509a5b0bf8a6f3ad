import { at, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import type { Format, ImageFact, RequestFacts } from '../decoder.ts'
import { countIn, isTrueIn } from '../form-values.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'
import { imageFrom, imageText } from '../request-text.ts'
import { imagesDecoder } from './decode.ts'

/** POST /v1/images/generations, /edits and /variations: JSON or a form in, images out, whole or streamed (wire-formats 4.6). */
export const openaiImages: Format = {
  id: 'openai-images',
  operation: 'images',
  takesForms: true,
  readRequest,
  decoder: imagesDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const facts = openaiFacts(body)
  const images = [...listOf(body.image), ...listOf(body.images), ...listOf(body.mask)].map(givenImage)
  const message = openaiMessage({ role: 'user', content: [stringAt(body, 'prompt') ?? '', ...images.map(imageText)] })
  return {
    ...facts,
    stream: isTrueIn(body, 'stream'),
    parameters: {
      ...facts.parameters,
      n: countIn(body, 'n'),
      response_format: stringAt(body, 'response_format') ?? stringAt(body, 'output_format'),
    },
    messages: [{ ...message, images }],
    inputs: 1,
  }
}

const listOf = (given: unknown): readonly unknown[] =>
  given === undefined || given === null ? [] : Array.isArray(given) ? given : [given]

/** A file of a form, or a link, base64 or the id of a file in JSON. */
function givenImage(given: unknown): ImageFact {
  const source = typeof given === 'string' ? given : urlOf(given)
  if (source) return imageFrom(source)
  const bytes = isObject(given) ? countIn(given, 'bytes') : null
  return { bytes, detail: null, url: false }
}

const urlOf = (given: unknown): string | null =>
  stringAt(given, 'image_url') ?? stringAt(given, 'image_url', 'url') ?? (isObject(given) ? b64Of(given) : null)

const b64Of = (given: JsonObject): string | null => {
  const data = at(given, 'b64_json')
  return typeof data === 'string' ? data : null
}

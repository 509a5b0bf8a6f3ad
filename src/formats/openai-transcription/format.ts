import { at, countAt, isObject, stringAt } from '../../records/json.ts'
import type { Format, RequestFacts } from '../decoder.ts'
import { isTrueIn, numberIn } from '../form-values.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'
import { placeholder } from '../request-text.ts'
import { transcriptionDecoder } from './decode.ts'

/** POST /v1/audio/transcriptions and /translations: a form with a sound file in, its text out (wire-formats 4.7). */
export const openaiTranscription: Format = {
  id: 'openai-transcription',
  operation: 'transcription',
  takesForms: true,
  readRequest,
  decoder: transcriptionDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const facts = openaiFacts(body)
  const file = at(body, 'file')
  const sound = file === undefined ? '' : placeholder('audio', countAt(file, 'bytes'))
  const prompt = stringAt(body, 'prompt') ?? ''
  return {
    ...facts,
    stream: isTrueIn(body, 'stream'),
    parameters: {
      ...facts.parameters,
      temperature: numberIn(body, 'temperature'),
      response_format: stringAt(body, 'response_format'),
    },
    messages: [openaiMessage({ role: 'user', content: [prompt, sound] })],
    inputs: 1,
  }
}

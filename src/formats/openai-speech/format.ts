import { isObject, stringAt } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import type { DecodeHints, Decoder, Format, RequestFacts } from '../decoder.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { malformed, openaiFacts, openaiMessage } from '../openai-request.ts'
import { bytesOfBase64 } from '../request-text.ts'

/** POST /v1/audio/speech: text in, sound out as bytes or as events (wire-formats 4.7). */
export const openaiSpeech: Format = {
  id: 'openai-speech',
  operation: 'speech',
  readRequest,
  decoder: speechDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return malformed
  const facts = openaiFacts(body)
  const { input, instructions } = body
  return {
    ...facts,
    stream: body.stream_format === 'sse',
    parameters: { ...facts.parameters, response_format: stringAt(body, 'response_format') },
    messages: [
      ...(typeof instructions === 'string' ? [openaiMessage({ role: 'system', content: instructions })] : []),
      ...(typeof input === 'string' ? [openaiMessage({ role: 'user', content: input })] : []),
    ],
    inputs: typeof input === 'string' ? 1 : 0,
  }
}

function speechDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  return openaiDecoder(
    request,
    hints,
    (answer, value) => {
      const audio = stringAt(value, 'audio')
      if (audio) answer.bytes(0, 'audio', bytesOfBase64(audio))
      if (stringAt(value, 'type') === 'speech.audio.done') answer.terminated = true
    },
    {
      bytes(answer, size, firstAtMs, lastAtMs) {
        answer.stretch(firstAtMs, lastAtMs)
        answer.toldBytes(0, 'audio', size)
      },
      ended(answer) {
        const characters = answer.hasContent() ? charactersOf(request) : null
        if (characters !== null) answer.usage = { ...(answer.usage ?? unknownUsage), characters }
      },
    },
  )
}

/** What was spoken is what was asked for; the answer does not say how much that was. */
function charactersOf(request: RequestFacts): number | null {
  const spoken = request.messages.find((message) => message.role === 'user')
  if (!spoken) return null
  let characters = 0
  for (const _character of spoken.text) characters++
  return characters
}

import { arrayAt, type JsonObject, numberAt, stringAt } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import type { DecodeHints, Decoder, RequestFacts } from '../decoder.ts'
import { finishReason } from '../finish-reasons.ts'
import { openaiDecoder } from '../openai-answer.ts'

/**
 * One JSON object with `text`, plain text, subtitles, or events. Events tell the text in deltas or in segments and once more as a
 * whole; some servers (vLLM) send chunks in the shape of a chat.
 */
export function transcriptionDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  let deltas = ''
  let segments = ''
  let whole = ''
  let seconds: number | null = null

  return openaiDecoder(
    request,
    hints,
    (answer, value) => {
      answer.identify(stringAt(value, 'x_groq', 'id'), null)
      const type = stringAt(value, 'type')
      const isDelta = type === 'transcript.text.delta'
      const delta = isDelta ? stringAt(value, 'delta') : stringAt(value, 'choices', 0, 'delta', 'content')
      const text = stringAt(value, 'text')
      if (delta || text) answer.hidden(true)
      deltas += delta ?? ''
      if (type === 'transcript.text.segment') segments += text ?? ''
      else whole = text || segmentsOf(value) || whole
      if (type === 'transcript.text.done') answer.terminated = true
      const reason = stringAt(value, 'choices', 0, 'finish_reason')
      if (reason) answer.finish(0, reason, finishReason(reason))
      seconds = secondsIn(value) ?? seconds
    },
    {
      text: (answer, value) => answer.text(0, value),
      ended(answer) {
        answer.told(0, 'text', whole || deltas || segments)
        if (seconds !== null) answer.usage = { ...(answer.usage ?? unknownUsage), audioSeconds: seconds }
      },
    },
  )
}

const segmentsOf = (value: JsonObject): string =>
  arrayAt(value, 'segments')
    .map((segment) => stringAt(segment, 'text') ?? '')
    .join('')

/** The seconds that are billed; where only the length of the sound is told, every begun second is. */
function secondsIn(value: JsonObject): number | null {
  const billed = numberAt(value, 'usage', 'seconds')
  const duration = numberAt(value, 'duration')
  if (billed !== null) return billed >= 0 ? billed : null
  return duration !== null && duration >= 0 && stringAt(value, 'usage', 'type') !== 'tokens'
    ? Math.ceil(duration)
    : null
}

import { arrayAt, countAt, stringAt } from '../../records/json.ts'
import type { DecodeHints, Decoder, RequestFacts } from '../decoder.ts'
import { EchoedPrompt } from '../echoed-prompt.ts'
import { finishReason } from '../finish-reasons.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { isTokenIds } from '../request-text.ts'

/** Chunks and whole answers share one shape: `choices[].text`. */
export function completionsDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  const prompts = request.messages.map(({ text }) => (isTokenIds(text) ? '' : text))
  const echo = new EchoedPrompt(request.echo ? prompts : [], request.parameters.n ?? 1)
  return openaiDecoder(request, hints, (answer, value) => {
    arrayAt(value, 'choices').forEach((choice, place) => {
      const index = countAt(choice, 'index') ?? place
      answer.reasoning(index, stringAt(choice, 'reasoning_content') || stringAt(choice, 'reasoning'))
      echo.pass(answer, index, stringAt(choice, 'text'))
      const reason = stringAt(choice, 'finish_reason')
      if (reason) answer.finish(index, reason, finishReason(reason))
    })
  })
}

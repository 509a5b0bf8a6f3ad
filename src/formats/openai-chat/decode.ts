import { arrayAt, countAt, isObject, type JsonObject, objectOf, stringAt } from '../../records/json.ts'
import type { Answer } from '../answer.ts'
import type { DecodeHints, Decoder, RequestFacts } from '../decoder.ts'
import { EchoedPrompt } from '../echoed-prompt.ts'
import { finishReason } from '../finish-reasons.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { bytesOfBase64, imageFrom, imageText, placeholder } from '../request-text.ts'
import { MarkedThoughts } from './marked-thoughts.ts'
import { ToolCalls } from './tool-calls.ts'

/** Chunks carry `choices[].delta`, a whole answer `choices[].message`. */
export function chatDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  const tools = new ToolCalls()
  const thoughts = new MarkedThoughts()
  const echo = new EchoedPrompt(request.echo ? [request.messages.at(-1)?.text ?? ''] : [], request.parameters.n ?? 1)
  return openaiDecoder(request, hints, (answer, value) => {
    arrayAt(value, 'choices').forEach((choice, place) => {
      const index = countAt(choice, 'index') ?? place
      const whole = !isObject(objectOf(choice).delta)
      const said = objectOf(whole ? objectOf(choice).message : objectOf(choice).delta)
      readReasoning(answer, index, said)
      if (typeof said.content === 'string') {
        const { thought, text } = thoughts.split(index, said, said.content)
        answer.reasoning(index, thought)
        echo.pass(answer, index, text)
      } else readParts(answer, index, arrayAt(said, 'content'))
      answer.refusal(index, said.refusal)
      tools.read(answer, index, said, whole)
      readMedia(answer, index, said)
      const reason = stringAt(choice, 'finish_reason')
      if (reason) answer.finish(index, reason, finishReason(reason))
    })
    // Perplexity
    if (value.object === 'chat.completion.done') answer.terminated = true
  })
}

/** The same thought may stand in several fields: the first that holds any counts. */
function readReasoning(answer: Answer, index: number, said: JsonObject): void {
  const text = stringAt(said, 'reasoning_content') || stringAt(said, 'reasoning')
  if (text) return answer.reasoning(index, text)
  for (const detail of arrayAt(said, 'reasoning_details')) {
    const part = stringAt(detail, 'text') ?? stringAt(detail, 'summary')
    if (part !== null) answer.reasoning(index, part)
    else if (stringAt(detail, 'data')) answer.hidden()
  }
}

/** Content as a list of parts: thinking (Mistral), text, images. */
function readParts(answer: Answer, index: number, parts: readonly unknown[]): void {
  for (const part of parts) {
    const thinking = objectOf(part).thinking
    const source = stringAt(part, 'image_url', 'url')
    if (thinking !== undefined) {
      answer.reasoning(index, thinking)
      for (const thought of Array.isArray(thinking) ? thinking : []) answer.reasoning(index, stringAt(thought, 'text'))
    } else if (source !== null) answer.part(index, imageText(imageFrom(source)))
    else answer.text(index, typeof part === 'string' ? part : stringAt(part, 'text'))
  }
}

function readMedia(answer: Answer, index: number, said: JsonObject): void {
  const data = stringAt(said, 'audio', 'data')
  if (data) answer.bytes(index, 'audio', bytesOfBase64(data))
  answer.text(index, stringAt(said, 'audio', 'transcript'))
  for (const image of arrayAt(said, 'images')) {
    const source = stringAt(image, 'image_url', 'url') ?? stringAt(image, 'url')
    answer.part(index, source === null ? placeholder('image', null) : imageText(imageFrom(source)))
  }
}

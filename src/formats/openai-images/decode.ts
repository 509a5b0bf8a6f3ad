import { arrayAt, stringAt } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import type { Answer } from '../answer.ts'
import type { DecodeHints, Decoder, RequestFacts } from '../decoder.ts'
import { openaiDecoder } from '../openai-answer.ts'
import { imageFrom, imageText, placeholder } from '../request-text.ts'

/**
 * One object with all images in `data`, or events: partial images, then each finished one. Models that are billed in tokens send
 * usage, others do not; so what was made is counted too.
 */
export function imagesDecoder(request: RequestFacts, hints: DecodeHints): Decoder {
  let images = 0

  const finished = (answer: Answer, image: unknown): void => {
    const source = stringAt(image, 'b64_json') || stringAt(image, 'url')
    const index = images++
    answer.part(index, source ? imageText(imageFrom(source)) : placeholder('image', null))
    answer.told(index, 'text', stringAt(image, 'revised_prompt'))
  }

  return openaiDecoder(
    request,
    hints,
    (answer, value) => {
      const type = stringAt(value, 'type') ?? ''
      const size = stringAt(value, 'size')
      const quality = stringAt(value, 'quality')
      if (size || quality) answer.imageKind = { size, quality }
      if (type.endsWith('.partial_image')) {
        if (stringAt(value, 'b64_json')) answer.hidden()
      } else if (type.endsWith('.completed')) {
        finished(answer, value)
        answer.terminated = true
      } else for (const image of arrayAt(value, 'data').slice(0, imageLimit)) finished(answer, image)
    },
    {
      ended(answer) {
        if (images > 0) answer.usage = { ...(answer.usage ?? unknownUsage), images }
      },
    },
  )
}

const imageLimit = 256

import { arrayAt, countAt, isObject } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import { Answer } from '../answer.ts'
import type { Format } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { countersOf, timingsOf } from '../ollama-chat/counters.ts'
import { readEmbedRequest } from './request.ts'

/** POST /api/embed, and /api/embeddings of older clients, which counts nothing (wire-formats 6.1). */
export const ollamaEmbed: Format = {
  id: 'ollama-embed',
  operation: 'embeddings',
  largeAnswers: true,
  readRequest: readEmbedRequest,
  decoder() {
    const answer = new Answer()
    const read = (value: unknown): void => {
      answer.terminated = true
      if (!isObject(value)) return
      const error = errorIn(value)
      if (error) answer.fail(error)
      answer.identify(null, value.model)
      if (Array.isArray(value.embeddings)) answer.embeddings = value.embeddings.length
      else if (Array.isArray(value.embedding)) answer.embeddings = arrayAt(value, 'embedding').length > 0 ? 1 : 0
      const input = countAt(value, 'prompt_eval_count')
      if (input !== null) answer.usage = { ...unknownUsage, input, inputUncached: input }
      answer.tokenSource = 'reported'
      answer.rawUsage = countersOf(value)
      answer.timings = timingsOf(value)
    }
    return { push: read, whole: read, done() {}, finish: () => answer.result() }
  },
}

import { arrayAt, countAt } from '../../records/json.ts'
import { unknownUsage } from '../../records/usage.ts'
import type { Format } from '../decoder.ts'
import { countersOf, timingsOf } from '../ollama-chat/counters.ts'
import { oneValueDecoder } from '../one-value.ts'
import { readEmbedRequest } from './request.ts'

/** POST /api/embed, and /api/embeddings of older clients, which counts nothing (wire-formats 6.1). */
export const ollamaEmbed: Format = {
  id: 'ollama-embed',
  operation: 'embeddings',
  largeAnswers: true,
  readRequest: readEmbedRequest,
  decoder: () =>
    oneValueDecoder((answer, value) => {
      answer.identify(null, value.model)
      if (Array.isArray(value.embeddings)) answer.embeddings = value.embeddings.length
      else if (Array.isArray(value.embedding)) answer.embeddings = arrayAt(value, 'embedding').length > 0 ? 1 : 0
      const input = countAt(value, 'prompt_eval_count')
      if (input !== null) answer.usage = { ...unknownUsage, input, inputUncached: input }
      answer.rawUsage = countersOf(value)
      answer.timings = timingsOf(value)
    }),
}

import { arrayAt, at, countAt, isObject, stringAt } from '../../records/json.ts'
import { type Usage, unknownUsage } from '../../records/usage.ts'
import { usageOf as cohereUsage } from '../cohere-chat/usage.ts'
import { type Format, noFacts, type RequestFacts } from '../decoder.ts'
import { oneValueDecoder } from '../one-value.ts'
import { textsOf } from '../request-text.ts'

/**
 * POST …/rerank and …/score: how well documents answer a query. Cohere's form, which Jina, vLLM, llama.cpp and others took over.
 * Some count tokens, Cohere counts search units.
 */
export const rerank: Format = {
  id: 'rerank',
  operation: 'rerank',
  largeAnswers: true,
  readRequest,
  decoder: () =>
    oneValueDecoder((answer, value) => {
      answer.identify(value.id, value.model)
      const ranked = [...arrayAt(value, 'results'), ...arrayAt(value, 'data')].length
      if (ranked > 0) answer.part(0, `[${ranked} ranked]`)
      const raw = isObject(value.usage) ? value.usage : value.meta
      answer.usage = usageOf(raw)
      answer.rawUsage = isObject(raw) ? raw : null
    }),
}

/** Everything that is counted was read: nothing is generated. */
function usageOf(raw: unknown): Usage | null {
  const total = countAt(raw, 'total_tokens')
  const input = countAt(raw, 'prompt_tokens') ?? countAt(raw, 'input_tokens') ?? total
  if (input !== null) return { ...unknownUsage, input, inputUncached: input, totalReported: total }
  const counted = cohereUsage(raw)
  return counted && { ...counted, output: null, billedOutput: null }
}

/** The query, and what it is compared with: texts, or objects with a text. */
function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const { query, documents, texts } = body
  const [asked, compared] =
    query === undefined ? [body.text_1 ?? body.queries, body.text_2 ?? documents] : [query, documents ?? texts]
  const items = textsOf(plain(compared)).map((message) => ({ ...message, role: 'document' }))
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    messages: [...textsOf(plain(asked)), ...items],
    inputs: items.length,
  }
}

const plain = (given: unknown): unknown =>
  Array.isArray(given) ? arrayAt(given).map((item) => at(item, 'text') ?? item) : given

import { arrayAt, countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { Parts } from './parts.ts'
import { billedSearches, mergedMetadata, searchesOf, servedTier, usageOfMetadata } from './usage.ts'

/**
 * One shape for all: the whole answer, each event of a stream, each element of an array. There is no sentinel; an answer is
 * complete when each candidate that began has said why it ended, or when the prompt was blocked.
 */
export function contentDecoder(): Decoder {
  const answer = new Answer()
  const parts = new Parts(answer)
  const begun = new Set<number>()
  const ended = new Set<number>()
  const searches = new Set<unknown>()
  let metadata: JsonObject | null = null

  const read = (value: unknown): void => {
    const error = errorIn(value)
    if (error) answer.fail(error)
    if (!isObject(value)) return
    answer.identify(value.responseId, value.modelVersion)
    metadata = mergedMetadata(metadata, value.usageMetadata)
    arrayAt(value, 'candidates').forEach(readCandidate)
    const blocked = stringAt(value, 'promptFeedback', 'blockReason')
    if (said(blocked)) end(0, blocked, 'content_filter')
  }

  const readCandidate = (candidate: unknown, place: number): void => {
    const index = countAt(candidate, 'index') ?? place
    begun.add(index)
    for (const query of searchesOf(candidate)) searches.add(query)
    for (const part of arrayAt(candidate, 'content', 'parts')) parts.read(index, part)
    const raw = stringAt(candidate, 'finishReason')
    if (!said(raw)) return
    const reason = raw === 'STOP' && parts.called(index) ? 'tool_calls' : finishReason(raw)
    const message = stringAt(candidate, 'finishMessage')
    if (reason === 'error' && message) answer.fail({ message: message.slice(0, 2000), type: raw, code: null })
    end(index, raw, reason)
  }

  const end = (index: number, raw: string, reason: Parameters<Answer['finish']>[2]): void => {
    answer.finish(index, raw, reason)
    ended.add(index)
  }

  return {
    push(value, atMs) {
      answer.event(atMs)
      read(value)
    },
    whole(value) {
      answer.terminated = true
      read(value)
    },
    done() {}, // no sentinel in this format
    finish() {
      parts.end()
      answer.terminated ||= ended.size > 0 && [...begun].every((index) => ended.has(index))
      answer.usage = metadata && usageOfMetadata(metadata, billedSearches(searches.size, answer.model))
      answer.tokenSource = 'reported'
      answer.rawUsage = metadata
      answer.serviceTier = servedTier(metadata)
      return answer.result()
    },
  }
}

/** Enumerations of this API have a word for "nothing". */
const said = (word: string | null): word is string => word !== null && word !== '' && !word.endsWith('_UNSPECIFIED')

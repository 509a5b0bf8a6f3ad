import type { FinishReason } from '../records/outcome.ts'

/**
 * A vendor's own word for why an answer ended, in the common vocabulary (wire-formats 11.2). A word nobody knows means that
 * the answer came to an end the server itself declared: `stop`.
 */
export function finishReason(raw: string): FinishReason {
  const word = raw.toLowerCase()
  if (Object.hasOwn(words, word)) return words[word]!
  return word.startsWith('image_') ? 'content_filter' : 'stop'
}

const words: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  completed: 'stop',
  complete: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  eos: 'stop',
  word: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  model_context_window_exceeded: 'length',
  model_length: 'length',
  limit: 'length',
  error_limit: 'length',
  budget_exceeded: 'length',
  incomplete: 'length',
  tool_calls: 'tool_calls',
  tool_call: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  requires_action: 'tool_calls',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  safety: 'content_filter',
  blocklist: 'content_filter',
  prohibited_content: 'content_filter',
  spii: 'content_filter',
  recitation: 'content_filter',
  language: 'content_filter',
  model_armor: 'content_filter',
  escalation: 'content_filter',
  pup_limited_disabled: 'content_filter',
  error_toxic: 'content_filter',
  pause_turn: 'pause',
  continuation: 'pause',
  requires_continuation: 'pause',
  load: 'load',
  unload: 'unload',
  error: 'error',
  failed: 'error',
  timeout: 'error',
  abort: 'error',
  other: 'error',
  malformed_function_call: 'error',
  malformed_response: 'error',
  unexpected_tool_call: 'error',
  too_many_tool_calls: 'error',
  missing_thought_signature: 'error',
  no_image: 'error',
  insufficient_system_resource: 'error',
  cancelled: 'cancelled',
  user_cancel: 'cancelled',
}

/** A call as a client makes it, and the answer of a provider to it. */
export const question = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] }

export const completion = {
  id: 'c',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 },
}

import type { BodyFacts, RunRecord } from '../records/llm-run.ts'

/** A call's run when what was said in it is no longer kept: its names and numbers, which its telemetry has too. */
export const withoutWords = (run: RunRecord): RunRecord => ({
  ...run,
  prompt: null,
  completion: null,
  messages: [],
  choices: [],
  tools: [],
  reasoning: null,
  tool_calls: [],
  refusal: null,
  parameters: {},
  metadata: {},
  request_headers: [],
  response_headers: [],
  text_truncated: true,
  request_body: withoutBytes(run.request_body),
  response_body: withoutBytes(run.response_body),
})

/** A body whose bytes are no longer kept. */
export const withoutBytes = (facts: BodyFacts): BodyFacts => ({ ...facts, kept: 0, truncated: facts.size > 0 })

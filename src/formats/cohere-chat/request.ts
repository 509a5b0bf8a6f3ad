import { arrayAt, at, booleanAt, isObject, type JsonObject, numberAt, stringAt } from '../../records/json.ts'
import { noFacts, type RequestFacts, type RequestParameters } from '../decoder.ts'
import { openaiMessage } from '../openai-request.ts'
import { choiceOf, parametersOf, scalarAt, stopsOf, toolsOf } from '../request-text.ts'

/** Facts of a `/v2/chat` request; its messages look like OpenAI's. */
export function readChatRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  return {
    ...noFacts,
    model: stringAt(body, 'model'),
    stream: body.stream === true,
    parameters: cohereParameters(body),
    messages: arrayAt(body, 'messages').map(openaiMessage),
    ...toolsOf(body.tools),
  }
}

export function cohereParameters(body: JsonObject): RequestParameters {
  return parametersOf({
    temperature: numberAt(body, 'temperature'),
    top_p: numberAt(body, 'p'),
    top_k: numberAt(body, 'k'),
    max_tokens: numberAt(body, 'max_tokens'),
    stop: stopsOf(body.stop_sequences),
    seed: scalarAt(body, 'seed'),
    frequency_penalty: numberAt(body, 'frequency_penalty'),
    presence_penalty: numberAt(body, 'presence_penalty'),
    tool_choice: choiceOf(body.tool_choice),
    response_format: choiceOf(body.response_format),
    reasoning_effort: stringAt(body, 'thinking', 'type') ?? stringAt(body, 'reasoning_effort'),
    logprobs: booleanAt(body, 'logprobs'),
    dimensions: numberAt(at(body, 'output_dimension')),
  })
}

import { provider as openai } from '../../providers/openai/provider.ts'
import { type FormatSample, formatSuite } from '../contract/format-suite.ts'

const request = (body: object): FormatSample['request'] => ({
  method: 'POST',
  path: '/v1/chat/completions',
  headers: [['content-type', 'application/json']],
  body: JSON.stringify(body),
})

formatSuite({
  name: 'a chat stream with usage',
  provider: openai,
  request: request({ model: 'gpt-4.1', stream: true, messages: [{ role: 'user', content: 'Hi' }] }),
  response: {
    status: 200,
    headers: [['content-type', 'text/event-stream']],
    pieces: [
      [
        10,
        'data: {"id":"c1","model":"gpt-4.1-2025","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
      ],
      [20, 'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Hé"}}],"usage":null}\n\n'],
      [
        30,
        'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"llo 👋"}}]}\n\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
      ],
      [
        40,
        'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4}}}\n\ndata: [DONE]\n\n',
      ],
    ],
  },
  expect: {
    operation: 'chat',
    format: 'openai-chat',
    framing: 'sse',
    readWhole: true,
    notes: [],
    events: { events: 6, content_events: 2, bad_events: 0, comments: 0 },
    request: { model: 'gpt-4.1', stream: true },
    decoded: {
      responseId: 'c1',
      model: 'gpt-4.1-2025',
      finishReason: 'stop',
      terminated: true,
      tokenSource: 'reported',
      firstContentAtMs: 1020,
      lastContentAtMs: 1030,
      choices: [{ index: 0, text: 'Héllo 👋' }],
      usage: { input: 9, output: 3, cacheRead: 4, inputUncached: 5, totalReported: 12 },
    },
  },
})

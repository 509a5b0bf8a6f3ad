/**
 * The tricky cases of the wire formats, and what shows that we read each of them: samples (`provider/file`), or a test where a
 * file cannot hold the case.
 */
export interface Vector {
  readonly number: number
  readonly about: string
  readonly samples?: readonly string[]
  readonly tests?: readonly { readonly file: string; readonly title: string }[]
}

const framing = (name: string): string => `openai/framing/${name}`
const shape = (name: string): string => `openai/shapes/${name}`
const shownBy = (file: string, title: string) => ({ file, title })

export const vectors: readonly Vector[] = [
  // framing
  { number: 1, about: 'CRLF', samples: [framing('crlf-stream')] },
  { number: 1, about: 'lone CR', samples: [framing('lone-cr-stream')] },
  { number: 1, about: 'mixed line ends', samples: [framing('mixed-line-ends-stream')] },
  {
    number: 1,
    about: 'CR and LF of one line end in two reads',
    samples: [framing('split-crlf-stream'), framing('split-blank-line-stream')],
  },
  {
    number: 2,
    about: 'every byte in its own read',
    tests: [shownBy('test/contract/format-suite.ts', 'says the same wherever it is cut')],
  },
  { number: 2, about: 'the whole stream in one read', samples: [framing('one-piece-stream')] },
  {
    number: 2,
    about: 'reads that end inside a character, an escape, a field name',
    samples: [framing('cut-inside-characters-stream')],
  },
  { number: 3, about: 'byte order mark at the start', samples: [framing('bom-stream'), framing('json-bom')] },
  { number: 3, about: 'byte order mark inside data', samples: [framing('bom-inside-stream')] },
  { number: 4, about: 'data: without a space, with two, with a tab', samples: [framing('data-spacing-stream')] },
  { number: 5, about: 'one JSON on many data lines', samples: [framing('multi-line-data-stream')] },
  { number: 6, about: 'comments before, between and inside events', samples: [framing('comments-stream')] },
  {
    number: 6,
    about: 'an event of comments alone',
    samples: [framing('comments-stream'), 'deepseek/chat-keep-alive-stream'],
  },
  {
    number: 7,
    about: 'event before and after data, event alone, unknown fields, id, retry',
    samples: [framing('fields-stream')],
  },
  { number: 8, about: 'no final blank line, clean end', samples: [framing('no-final-blank-line-stream')] },
  { number: 8, about: 'no final blank line, connection reset', samples: [framing('no-final-blank-line-cut-stream')] },
  { number: 9, about: '[DONE] with spaces', samples: [framing('done-spaces-stream')] },
  { number: 9, about: '[DONE] with CRLF', samples: [framing('crlf-stream')] },
  { number: 9, about: '[DONE] missing', samples: [framing('done-missing-stream')] },
  { number: 9, about: '[DONE] twice', samples: [framing('done-twice-stream')] },
  { number: 9, about: '[DONE] followed by more events', samples: [framing('done-then-more-stream')] },
  {
    number: 10,
    about: 'U+2028, U+2029, U+0085, U+000B raw inside a string',
    samples: [framing('separators-stream'), framing('control-character-stream')],
  },
  {
    number: 11,
    about: '8 MiB event',
    tests: [shownBy('test/formats/sse.test.ts', 'reads an 8 MiB event in small pieces')],
  },
  {
    number: 11,
    about: '100,000 tiny events',
    tests: [shownBy('test/formats/sse.test.ts', 'reads 100,000 tiny events')],
  },
  {
    number: 11,
    about: 'event above the limit',
    tests: [shownBy('test/formats/sse.test.ts', 'skips an event above the limit to its end, with %s')],
  },
  {
    number: 12,
    about: 'NDJSON: two objects in one read, no final newline',
    samples: ['ollama/written/chat-two-tools-stream', 'ollama/written/chat-cut-stream'],
  },
  {
    number: 12,
    about: 'NDJSON: blank lines, CRLF, an object split inside a character',
    tests: [shownBy('test/formats/ndjson.test.ts', 'are read in pieces of %i bytes')],
  },
  {
    number: 12,
    about: '1 MiB context array',
    tests: [shownBy('test/formats/ndjson.test.ts', 'may be a megabyte long')],
  },
  { number: 13, about: 'JSON array: [ and the first object in two reads', samples: ['google/content-array-stream'] },
  { number: 13, about: 'JSON array: strings with } and escaped quotes', samples: ['google/content-array-stream'] },
  {
    number: 13,
    about: 'JSON array: an error as the first element',
    samples: ['google/content-array-first-error-stream'],
  },
  { number: 13, about: 'JSON array: empty', samples: ['google/content-array-empty-stream'] },
  { number: 14, about: 'gzip flushed per event', samples: ['openai/chat-gzip-stream'] },
  { number: 14, about: 'gzip unflushed', samples: [framing('gzip-unflushed-stream')] },
  { number: 14, about: 'gzip truncated', samples: [framing('gzip-truncated-stream'), framing('gzip-cut-stream')] },
  { number: 14, about: 'brotli', samples: [framing('brotli-stream')] },
  { number: 14, about: 'zstd', samples: [framing('zstd-stream')] },
  { number: 14, about: 'gzip, br', samples: [framing('two-codings-stream')] },
  {
    number: 14,
    about: 'wrong Content-Encoding',
    samples: [framing('wrong-coding-stream'), framing('unknown-coding-stream')],
  },
  { number: 14, about: 'identity', samples: [framing('identity-stream')] },
  { number: 15, about: 'text/event-stream with parameters', samples: ['openai/chat-stream'] },
  { number: 15, about: 'type in upper case', samples: [framing('upper-case-type-stream')] },
  { number: 15, about: 'type missing', samples: [framing('missing-type-stream')] },
  {
    number: 15,
    about: 'application/json with status 200 for a requested stream',
    samples: [framing('json-for-stream'), framing('json-type-stream')],
  },
  { number: 15, about: 'events as text/plain', samples: [framing('plain-text-type-stream')] },
  {
    number: 16,
    about: 'JSON after hundreds of blank lines',
    samples: ['deepseek/chat-keep-alive', framing('json-blank-lines')],
  },
  {
    number: 17,
    about: 'half a surrogate pair, numbers no double holds, keys twice, __proto__',
    samples: [framing('odd-json-stream')],
  },
  {
    number: 17,
    about: 'depth 10,000',
    tests: [shownBy('test/formats/sse.test.ts', 'reads deep nesting, odd numbers and names without harm')],
  },

  // content and first token
  { number: 18, about: 'role with empty content', samples: ['openai/chat-stream-usage'] },
  { number: 18, about: 'role with null', samples: [shape('role-null-stream')] },
  { number: 18, about: 'role alone', samples: [shape('role-alone-stream')] },
  { number: 19, about: 'role and reasoning in the first chunk', samples: ['xai/chat-stream'] },
  { number: 19, about: 'role and content in the first chunk', samples: [shape('role-with-content-stream')] },
  { number: 20, about: 'empty reasoning_content, then text', samples: ['deepseek/chat-reasoning-stream'] },
  {
    number: 20,
    about: 'reasoning and reasoning_details say the same',
    samples: ['openrouter/chat-reasoning-stream'],
  },
  { number: 21, about: 'reasoning, then a tool call, never text', samples: ['deepseek/chat-reasoning-tools-stream'] },
  { number: 22, about: 'first fragment has only id and name', samples: [shape('tool-name-first-stream')] },
  { number: 22, about: 'empty arguments', samples: [shape('tool-empty-arguments-stream')] },
  { number: 22, about: 'whole call with the finish reason', samples: [shape('tool-whole-with-finish-stream')] },
  { number: 22, about: 'no index', samples: [shape('tool-without-index-stream'), 'mistral/chat-tools-stream'] },
  { number: 22, about: 'empty name repeated', samples: ['mistral/chat-tools-incremental-stream'] },
  {
    number: 22,
    about: 'whole name repeated',
    samples: [shape('tool-name-repeated-stream'), 'llamacpp/python/chat-tool-forced-stream'],
  },
  { number: 22, about: 'huge index', samples: [shape('tool-huge-index-stream')] },
  { number: 22, about: 'parallel calls interleave', samples: [shape('tool-parallel-stream')] },
  { number: 22, about: 'arguments as an object', samples: [shape('tool-arguments-object-stream')] },
  {
    number: 23,
    about: 'content as a list of parts',
    samples: ['mistral/chat-thinking-stream', 'mistral/chat-thinking', shape('content-parts-stream')],
  },
  {
    number: 24,
    about: 'prompt filter first, annotations, late content filter',
    samples: [shape('late-filter-stream')],
  },
  {
    number: 24,
    about: 'the same below a deployment',
    samples: [
      'azure/chat-stream',
      'azure/chat-old-annotations-stream',
      'azure/chat-async-filter-stream',
      'azure/chat-late-filter-stream',
    ],
  },
  { number: 25, about: 'prompt_progress', samples: ['llamacpp/chat-timings-progress-stream'] },
  { number: 25, about: 'prompt_processing.progress', samples: ['lmstudio/rest-chat-stream'] },
  { number: 25, about: 'a chunk with log probabilities alone', samples: ['ollama/written/chat-final-content-stream'] },
  { number: 25, about: 'moderation chunk, obfuscation', samples: [shape('moderation-stream')] },
  {
    number: 26,
    about: 'ping before the first block, signature alone',
    samples: ['anthropic/messages-signature-only-stream'],
  },
  { number: 26, about: 'empty input_json_delta', samples: ['anthropic/messages-tools-stream'] },
  { number: 26, about: 'redacted_thinking', samples: ['anthropic/messages-redacted-stream'] },
  { number: 26, about: 'refusal without blocks', samples: ['anthropic/messages-refusal-stream'] },
  {
    number: 26,
    about: 'message_start twice, unknown event types',
    samples: ['anthropic/messages-gateway-stream'],
  },
  { number: 27, about: 'empty text with a signature', samples: ['google/content-stream'] },
  { number: 27, about: 'thought: true', samples: ['google/content-stream'] },
  { number: 27, about: 'no candidates, promptFeedback', samples: ['google/content-blocked-stream'] },
  { number: 27, about: 'functionCall with partialArgs', samples: ['google/content-tools-partial-stream'] },
  { number: 27, about: 'inlineData', samples: ['google/content-image-stream'] },
  { number: 28, about: 'only .done events', samples: ['openai/responses-done-only-stream'] },
  { number: 28, about: 'output_item.added with the name first', samples: ['openai/responses-tools-stream'] },
  {
    number: 28,
    about: 'events of hosted tools first',
    samples: ['openai/responses-web-search-stream', 'openai/responses-file-search-stream'],
  },
  { number: 28, about: 'resumed stream without response.created', samples: ['openai/responses-resumed-stream'] },
  {
    number: 29,
    about: 'echo',
    samples: [shape('completions-echo-stream'), 'llamacpp/python/completions-echo-logprobs'],
  },
  { number: 29, about: 'several prompts', samples: ['llamacpp/completions-two-prompts-stream'] },
  { number: 29, about: 'n: 3 interleaved', samples: [shape('completions-n3-stream'), shape('several-choices-stream')] },
  { number: 30, about: 'load', samples: ['ollama/generate-load-only'] },
  { number: 30, about: 'unload', samples: ['ollama/unload'] },
  { number: 31, about: 'white space as the first token', samples: [shape('white-space-first-stream')] },

  // usage
  { number: 32, about: 'no usage at all', samples: [shape('usage-none-stream')] },
  { number: 32, about: 'usage: null in all chunks', samples: [shape('usage-null-stream')] },
  { number: 32, about: 'usage chunk without choices', samples: ['openai/chat-stream-usage'] },
  { number: 32, about: 'usage on the finish chunk', samples: [shape('usage-on-finish-stream')] },
  { number: 32, about: 'usage and content in one chunk', samples: [shape('usage-with-content-stream')] },
  { number: 32, about: 'usage twice', samples: [shape('usage-twice-stream')] },
  {
    number: 32,
    about: 'choices null or absent',
    samples: [shape('choices-null-stream'), shape('choices-absent-stream')],
  },
  {
    number: 33,
    about: 'cumulative usage in every chunk',
    samples: ['perplexity/chat-stream', shape('usage-cumulative-stream'), 'vllm/chat-stream-continuous-usage'],
  },
  { number: 33, about: 'cumulative usage of a choice each, cut', samples: ['vllm/chat-n2-continuous-cut-stream'] },
  { number: 33, about: 'cumulative usage of the OpenAI layer', samples: ['google/openai-chat-stream'] },
  {
    number: 34,
    about: 'zeros until the end',
    samples: ['ollama/written/v1-completions-zero-usage-stream', shape('completions-usage-zero-until-end-stream')],
  },
  { number: 34, about: 'zeros although text came', samples: [shape('usage-zero-stream')] },
  { number: 35, about: 'x_groq.usage alone', samples: ['groq/chat-stream-usage-in-x-groq'] },
  { number: 35, about: 'both places', samples: ['groq/chat-reasoning-stream'] },
  {
    number: 36,
    about: 'cache tokens outside input_tokens',
    samples: ['deepseek/anthropic-messages-stream', 'anthropic/messages'],
  },
  { number: 36, about: 'message_delta without input_tokens', samples: ['anthropic/messages-stream'] },
  { number: 36, about: 'message_delta with more input_tokens', samples: ['ollama/v1-messages-stream'] },
  { number: 36, about: 'two message_deltas, iterations', samples: ['anthropic/messages-two-deltas-stream'] },
  { number: 37, about: 'usage object with trafficType alone', samples: ['google/content-stream'] },
  { number: 37, about: 'thoughts outside candidates', samples: ['google/content-stream'] },
  { number: 38, about: 'total is not prompt and completion', samples: ['xai/chat-stream', 'xai/chat'] },
  {
    number: 39,
    about: 'input_token_details and input_tokens_details',
    samples: ['openai/transcription', 'openai/images-generations'],
  },
  { number: 40, about: 'timings without usage', samples: ['llamacpp/chat-stream'] },
  {
    number: 40,
    about: 'final object without prompt_eval_count',
    samples: ['ollama/written/chat-prompt-count-omitted'],
  },
  { number: 40, about: 'final object without eval_count', samples: ['ollama/written/chat-zeros-omitted-stream'] },
  { number: 41, about: 'rejected predictions', samples: ['openai/chat-prediction'] },
  { number: 41, about: 'audio tokens', samples: [shape('usage-audio'), 'openai/chat-audio'] },
  { number: 41, about: 'image tokens', samples: ['openai/images-generations'] },
  { number: 41, about: 'cache reads and writes inside the input', samples: [shape('usage-cached')] },
  { number: 41, about: 'usage as a duration', samples: ['openai/transcription-seconds'] },
  { number: 41, about: 'billed and processed counts', samples: ['cohere/chat-stream'] },
  {
    number: 42,
    about: 'background response polled three times',
    tests: [shownBy('test/wire/background.test.ts', 'polled again and again once')],
  },

  // errors and ends
  {
    number: 43,
    about: '4xx with JSON',
    samples: ['together/error-model', 'mistral/error-validation', 'mistral/error-detail'],
  },
  { number: 43, about: 'HTML', samples: ['perplexity/error-key', shape('error-page')] },
  { number: 43, about: 'empty body', samples: [shape('error-empty-body')] },
  { number: 43, about: 'gzip body', samples: [shape('error-gzip')] },
  { number: 43, about: '429 with retry-after in seconds', samples: [shape('error-retry-after-seconds')] },
  { number: 43, about: '429 with retry-after as a date', samples: [shape('error-retry-after-date')] },
  { number: 43, about: '429 with retry-after-ms', samples: [shape('error-retry-after-milliseconds')] },
  { number: 44, about: 'error, then [DONE]', samples: [shape('error-then-done-stream'), 'vllm/chat-error-stream'] },
  { number: 44, about: 'error, then the end', samples: ['openai/chat-error-stream', 'together/chat-error-stream'] },
  { number: 44, about: 'error before any content', samples: [shape('error-before-content-stream')] },
  { number: 44, about: 'error after content', samples: ['sglang/chat-error-stream'] },
  {
    number: 45,
    about: 'event: error',
    samples: ['anthropic/messages-overloaded-stream', 'lmstudio/rest-chat-error-stream'],
  },
  {
    number: 45,
    about: 'event: error, flat and nested',
    samples: ['openai/responses-error-stream', 'openai/responses-error-nested-stream'],
  },
  {
    number: 45,
    about: 'response.failed, response.incomplete',
    samples: ['openai/responses-failed-stream', 'openai/responses-incomplete-stream'],
  },
  { number: 46, about: 'error as the first line', samples: ['ollama/written/error-first-line-stream'] },
  { number: 46, about: 'error as the last line', samples: ['ollama/written/chat-error-stream'] },
  { number: 46, about: 'the swallowed error of /v1', samples: ['ollama/written/v1-chat-swallowed-error-stream'] },
  {
    number: 47,
    about: 'JSON error with status 200 for a requested stream',
    samples: ['xai/chat-unavailable-200', 'openrouter/chat-error-200'],
  },
  { number: 48, about: 'error: null', samples: [shape('error-null-stream')] },
  { number: 48, about: 'x_groq.error', samples: ['groq/chat-stopped-stream'] },
  { number: 48, about: 'error and finish reason error in one chunk', samples: ['openrouter/chat-error-stream'] },
  { number: 49, about: 'reset inside an event', samples: [framing('cut-inside-event-stream')] },
  {
    number: 49,
    about: 'FIN without the last chunk, Content-Length short',
    tests: [
      shownBy(
        'test/wire/cuts.test.ts',
        'gives the client the exact prefix and no clean end, wherever the upstream is cut, by FIN and by RST',
      ),
    ],
  },
  {
    number: 49,
    about: 'comments for ever',
    tests: [
      shownBy(
        'test/wire/beyond-samples.test.ts',
        'passes comments of an answer that never ends, each at once, and counts them when the client has enough',
      ),
    ],
  },
  {
    number: 50,
    about: 'client leaves before the head',
    tests: [
      shownBy(
        'test/proxy/forward.test.ts',
        'lets a client that leaves before the head is there take the upstream call with it',
      ),
    ],
  },
  {
    number: 50,
    about: 'client leaves in mid-stream',
    tests: [
      shownBy(
        'test/wire/cuts.test.ts',
        'records a client that leaves in mid-stream, with what it had, and stops the upstream within a second (C15)',
      ),
    ],
  },
  {
    number: 50,
    about: 'client leaves after the finish reason, before usage',
    tests: [shownBy('test/wire/beyond-samples.test.ts', 'after the finish reason and before the usage')],
  },
  {
    number: 50,
    about: 'client leaves after [DONE]',
    tests: [shownBy('test/wire/beyond-samples.test.ts', 'after [DONE] and before the end of the message')],
  },
  { number: 51, about: '101 upgrade', tests: [shownBy('test/proxy/route.test.ts', 'WebSocket')] },
  { number: 51, about: 'HEAD', samples: ['ollama/root-head', 'openai/requests/models-head'] },
  {
    number: 51,
    about: '204, 304',
    tests: [shownBy('test/proxy/forward.test.ts', 'answers %s %i without a body and keeps the connection')],
  },
  {
    number: 51,
    about: '1xx before the answer',
    tests: [shownBy('test/wire/beyond-samples.test.ts', 'reads the answer that follows an interim %s')],
  },
  {
    number: 51,
    about: 'trailers',
    tests: [shownBy('test/proxy/forward.test.ts', 'passes trailers of a chunked answer on')],
  },
  { number: 52, about: 'JSON under a form type', samples: ['openai/requests/form-type'] },
  { number: 52, about: 'zstd body', samples: ['openai/requests/zstd'] },
  {
    number: 52,
    about: 'form with the model after the file',
    tests: [
      shownBy(
        'test/wire/beyond-samples.test.ts',
        'passes a form whose model follows its file, and records it without reading it',
      ),
    ],
  },
  {
    number: 52,
    about: 'chunked upload',
    tests: [shownBy('test/proxy/forward.test.ts', 'sends a chunked upload on piece by piece')],
  },
  {
    number: 52,
    about: 'Expect: 100-continue',
    tests: [
      shownBy(
        'test/wire/beyond-samples.test.ts',
        'answers Expect: 100-continue, so that a client sends its body, and hands the body on whole',
      ),
    ],
  },
  {
    number: 52,
    about: '50 MB body',
    tests: [
      shownBy('test/wire/beyond-samples.test.ts', 'passes 50 MB of a request on, whose first and last fields are read'),
    ],
  },
  { number: 52, about: 'invalid JSON body', samples: ['openai/requests/invalid-json', 'ollama/bad-json'] },
  {
    number: 53,
    about: '/api/pull with 100,000 lines',
    tests: [shownBy('test/wire/beyond-samples.test.ts', 'passes the 100,000 lines of a pull, which is no model call')],
  },
  {
    number: 53,
    about: 'binary uploads',
    tests: [
      shownBy(
        'test/wire/passing.test.ts',
        'carries %s to the upstream and back as they are, and gives the same bytes from the record (C1)',
      ),
    ],
  },
  {
    number: 53,
    about: 'downloads of any size',
    tests: [
      shownBy('test/wire/memory.test.ts', 'stays within bounds while 16 clients do not read what 64 MiB answers bring'),
    ],
  },

  // bad answers
  { number: 54, about: 'half a JSON', samples: [shape('half-json'), shape('half-json-cut')] },
  {
    number: 54,
    about: 'a page of HTML with status 200',
    samples: [shape('page-for-answer'), shape('page-for-stream')],
  },
  { number: 54, about: 'a stream where JSON was asked for', samples: [framing('stream-for-json')] },
  { number: 54, about: 'JSON where a stream was asked for', samples: [framing('json-under-stream-type')] },
  {
    number: 54,
    about: "another vendor's shape",
    samples: [shape('anthropic-shape'), shape('gemini-shape'), shape('ollama-shape-stream')],
  },
  { number: 54, about: 'nothing of an answer', samples: [shape('choices-empty'), shape('number-for-answer')] },
]

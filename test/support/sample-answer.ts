import { answer } from './answer.ts'
import type { Sample } from './samples.ts'
import type { Step } from './scripted-upstream.ts'

/** The sample's answer without its waiting: only the first piece and the rest are apart, so that a first token has a time of its own. */
export function sampleAnswer({ response }: Sample): Step[] {
  return answer({
    status: response.status,
    reason: response.reason,
    headers: response.headers,
    framing: response.framing,
    pieces: response.pieces.map(([, bytes], place) => [place === 0 ? 0 : 2, bytes]),
    trailers: response.trailers,
    cut: response.cut,
  })
}

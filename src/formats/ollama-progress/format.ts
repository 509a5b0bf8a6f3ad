import { countAt, isObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import { type Decoder, type Format, noFacts, type RequestFacts } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { LayerProgress } from './layers.ts'

/** POST /api/pull, /api/push and /api/create: lines that tell how far it is, and at last `success` or an error. */
export const ollamaProgress: Format = {
  id: 'ollama-progress',
  operation: 'pull',
  readRequest,
  decoder: progressDecoder,
}

function readRequest(body: unknown): RequestFacts {
  if (!isObject(body)) return { ...noFacts, malformed: true }
  const model = stringAt(body, 'model') ?? stringAt(body, 'name')
  return { ...noFacts, model, stream: body.stream !== false }
}

function progressDecoder(): Decoder {
  const answer = new Answer()
  const layers = new LayerProgress()
  let status: string | null = null

  const read = (value: unknown): void => {
    const error = errorIn(value)
    if (error) answer.fail(error)
    status = stringAt(value, 'status') ?? status
    if (status === 'success') answer.terminated = true
    const digest = stringAt(value, 'digest')
    if (digest !== null) layers.see(digest, countAt(value, 'total'), countAt(value, 'completed'))
  }

  return {
    push: read,
    whole(value) {
      answer.terminated = true
      read(value)
    },
    done() {},
    finish() {
      if (status !== null) answer.progress = { status, ...layers.sums() }
      return answer.result()
    },
  }
}

import type { Routes } from './call.ts'
import { chatCompletions } from './openai-chat.ts'
import { completions, embeddings, files, speech } from './openai-other.ts'
import { headers, modelObject, models, openaiError } from './openai-parts.ts'

/** OpenAI's chat completions, completions, embeddings, model list, files and speech. */
export const openaiRoutes: Routes = {
  'POST /v1/chat/completions': chatCompletions,
  'POST /v1/completions': completions,
  'POST /v1/embeddings': embeddings,
  'POST /v1/files': files,
  'POST /v1/audio/speech': speech,
  'GET /v1/models': (call) =>
    call.json(200, { object: 'list', data: models.map(modelObject) }, { headers: headers(call) }),
  'GET /v1/models/*': async (call) => {
    const id = call.path.slice('/v1/models/'.length)
    if (!models.includes(id)) return openaiError(call, 404, `The model \`${id}\` does not exist`)
    await call.json(200, modelObject(id), { headers: headers(call) })
  },
}

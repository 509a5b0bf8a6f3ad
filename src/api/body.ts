import type { z } from '@hono/zod-openapi'
import { isObject } from '../records/json.ts'
import { ApiError } from './api-error.ts'
import { checked } from './query.ts'

/** The JSON object of a request, every field known and as the schema wants it; anything else is a 422 that names it. */
export async function readBody<Shape extends z.ZodRawShape>(
  request: Request,
  schema: z.ZodObject<Shape>,
): Promise<z.output<z.ZodObject<Shape>>> {
  const text = await readText(request)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw notJson('the body is no JSON')
  }
  if (!isObject(value)) throw notJson('the body is no JSON object')
  return checked(value, schema)
}

/** No more than a request of ours can need, whatever its length claims. */
async function readText(request: Request): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of request.body ?? []) {
    bytes += piece.length
    if (bytes > mostBytes) throw notJson(`the body is longer than ${mostBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const notJson = (message: string): ApiError => new ApiError(422, 'invalid_body', message)

const mostBytes = 64 * 1024

import { z } from '@hono/zod-openapi'
import type { ErrorBody } from '../api-error.ts'
import { text, textOrNull } from './field.ts'

export const errorAnswer = z
  .object({
    error: z.object({
      message: text('for people; names the thing and the value'),
      type: text('kind of error'),
      code: text('for programs; stable'),
      param: textOrNull('the parameter at fault'),
    }),
  })
  .openapi('Error') satisfies z.ZodType<ErrorBody>

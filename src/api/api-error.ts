/** A refusal in the one shape that all our answers share: `{ error: { message, type, code, param } }`. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly status: ErrorStatus
  readonly code: string
  /** The parameter at fault. */
  readonly param: string | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: ErrorStatus,
    code: string,
    message: string,
    more: { param?: string; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.param = more.param ?? null
    this.headers = more.headers ?? {}
  }

  body(): ErrorBody {
    return { error: { message: this.message, type: types[this.status], code: this.code, param: this.param } }
  }
}

export interface ErrorBody {
  error: { message: string; type: string; code: string; param: string | null }
}

export type ErrorStatus = keyof typeof types

const types = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  422: 'invalid_request_error',
  500: 'server_error',
  503: 'server_error',
} as const

export const invalid = (param: string, message: string): ApiError =>
  new ApiError(422, 'invalid_parameter', message, { param })

export const notFound = (message: string): ApiError => new ApiError(404, 'not_found', message)

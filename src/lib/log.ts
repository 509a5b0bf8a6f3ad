import { destination, pino } from 'pino'
import { printable, printableFields } from './log-fields.ts'
import { logLine } from './log-line.ts'

/** Events with fields: `log.warn('sink refused batch', { sink, records, code })`. Never keys, never bodies. */
export interface Log {
  debug(message: string, fields?: object): void
  info(message: string, fields?: object): void
  warn(message: string, fields?: object): void
  error(message: string, fields?: object): void
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogOptions {
  readonly level: LogLevel
  /** `auto`: lines for people on a terminal, JSON otherwise. */
  readonly format: 'auto' | 'pretty' | 'json'
  /** Fields that stand in every line. */
  readonly fields?: object
  /** Where the lines go; standard output by default. */
  readonly write?: (line: string) => void
}

/** Writes one line per event to standard output: time, level, msg and the fields, cleaned of what must not be logged. */
export function createLog(options: LogOptions): Log {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY === true)
  const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR && !options.write
  const write = options.write ?? standardOutput()
  const logger = pino(
    {
      level: options.level,
      base: options.fields ? printableFields(options.fields) : null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: pretty ? (line) => write(logLine(line, coloured)) : write },
  )
  const at = (level: LogLevel) => (message: string, fields?: object) => {
    if (!logger.isLevelEnabled(level)) return
    const text = printable(message)
    logger[level](fields ? printableFields(fields) : {}, typeof text === 'string' ? text : message)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Off the event loop where a reader of our output could be slow: a stalled log collector must not stall calls. */
function standardOutput(): (line: string) => void {
  if (process.stdout.isTTY) return (line) => process.stdout.write(line)
  let stream: Destination | null = null
  return (line) => {
    stream ??= openOutput(() => {
      stream = null
    })
    stream.write(line)
  }
}

type Destination = ReturnType<typeof destination>

/**
 * What our output does not take (a file on a full disk) is lost: there is no other place to tell. The next line tries anew,
 * for a destination that failed would be flushed without end when the process ends.
 */
function openOutput(failed: () => void): Destination {
  const stream = destination({ dest: 1, sync: false, maxLength: 4 * 1024 * 1024 })
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return // nobody reads any more: pino writes no further line
    stream.destroy()
    failed()
  })
  return stream
}

/** A JSON log line as one line for people: `09:31:02.113 warn  sink refused batch  sink=sqlite records=3`. */
export function logLine(json: string, coloured: boolean): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>
  const paint = (code: number, text: string) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
  const details = Object.entries(fields).map(([name, value]) => `${paint(2, `${name}=`)}${shown(value)}`)
  const message = oneLine(String(msg ?? ''))
  const head = `${paint(2, timeOfDay(time))} ${paint(colours[String(level)] ?? 0, String(level).padEnd(5))} ${message}`
  return `${details.length > 0 ? `${head}  ${details.join(' ')}` : head}\n`
}

const colours: Readonly<Record<string, number>> = { debug: 2, info: 32, warn: 33, error: 31 }

function timeOfDay(time: unknown): string {
  const date = new Date(String(time))
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? oneLine(value) : oneLine(JSON.stringify(value))
  return oneLine(JSON.stringify(value) ?? 'undefined')
}

/** Control characters of a terminal, which a logged value could carry, are written as escapes. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

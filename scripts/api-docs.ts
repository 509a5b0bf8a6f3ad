import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeApi } from '../src/api/open-api.ts'
import { apiRoutes } from '../src/api/routes/index.ts'
import { arrayAt, at, isObject, type JsonObject, objectOf, stringAt } from '../src/records/json.ts'

export const apiDocsPath = join(import.meta.dirname, '..', 'docs', 'api.md')

/** The reference of our own API as Markdown: what the schemas say, in tables. Run this file to write `docs/api.md`. */
export function apiDocs(): string {
  const description = objectOf(JSON.parse(JSON.stringify(describeApi(apiRoutes('', 0), ''))))
  const routes = Object.entries(objectOf(description.paths)).flatMap(([path, item]) =>
    Object.entries(objectOf(item)).map(([method, operation]) =>
      routeText(`${method.toUpperCase()} ${path}`, objectOf(operation)),
    ),
  )
  const schemas = Object.entries(objectOf(objectOf(description.components).schemas)).map(([name, schema]) =>
    schemaText(name, objectOf(schema)),
  )
  return `${[intro, '## Routes', ...routes, '## Fields', fieldsIntro, ...schemas].join('\n\n')}\n`
}

const intro = `# Our own API

Made by \`node scripts/run.mjs scripts/api-docs.ts\` from the schemas that check the requests; \`GET /openapi.json\` is the same
for programs. It holds no data and needs no key, like \`/health\`, \`/ready\` and the page at \`/\`. Everything else wants one:

* **The admin token** sees all calls: \`Authorization: Bearer …\`. It is not taken from a URL.
* **Any key** that calls are made with sees the calls made with it, whatever their project: present it as its vendor wants it
  (\`Authorization\`, \`x-api-key\`, \`api-key\`, \`x-goog-api-key\`, or \`?key=\`). Beside a key in a header, \`key=\` is a filter by a
  key's id. Another key's calls are \`404\` by id, \`403\` as a filter.

**Refusals** have one shape, \`{ "error": { "message", "type", "code", "param" } }\`. A parameter that is unknown, repeated, empty
or wrong is a \`422\` that names it. While the store does not answer, \`503\`; calls are proxied and recorded all the same.

**Times** in \`from\` (inclusive) and \`to\` (exclusive): a date (\`2026-11-20\`, its start), a time (\`2026-11-20T10:15:00Z\`), Unix
milliseconds, or a span back from now (\`24h\`, \`7d\`; \`s m h d w\`). Without an offset they are in the zone \`tz\`, or UTC.

**Lists** are newest first and end with \`next_cursor\`; give it back as \`cursor\` until it is null. \`skip\` reaches
10,000 records far. **Filters** are literal: nothing in a value is a wildcard, a pattern or an operator.

**Money** is exact as text in \`cost_picodollars\` (10⁻¹² USD, whole); \`cost_usd\` is the same rounded to a double. A cost that is
not known is null in a call and left out of a sum, where \`unpriced\` counts it.`

const fieldsIntro = 'A field that may be null is null when nobody measured or reported it; zero means zero.'

function routeText(title: string, operation: JsonObject): string {
  const parameters = arrayAt(operation, 'parameters').map(objectOf)
  const rows = parameters.map(({ name, in: place, description, schema }) => [
    place === 'path' ? `{${name}}` : String(name),
    typeOf(objectOf(schema)),
    [String(description ?? ''), wordsOf(objectOf(schema)), rangeOf(objectOf(schema))].filter(Boolean).join(': '),
  ])
  const body = objectOf(at(operation, 'requestBody', 'content', 'application/json', 'schema'))
  const fields = fieldRows(objectOf(body.properties), '').map(([name = '', type = '', , about = '']) => [
    name,
    type,
    about,
  ])
  const answers = Object.entries(objectOf(operation.responses)).map(([status, answer]) =>
    status.startsWith('2')
      ? `${status} ${answerType(objectOf(answer))}`
      : `${status} (${stringAt(answer, 'description')})`,
  )
  return [
    `### ${title}`,
    `${stringAt(operation, 'summary')}. ${stringAt(operation, 'description') ?? ''}`.trim(),
    ...(rows.length > 0 ? [table(['parameter', 'type', 'meaning'], rows)] : []),
    ...(fields.length > 0 ? ['The body is a JSON object:', table(['field', 'type', 'meaning'], fields)] : []),
    `Answers ${answers.join(', ')}.`,
  ].join('\n\n')
}

function answerType(answer: JsonObject): string {
  const forms = Object.entries(objectOf(answer.content)).map(([mediaType, form]) => {
    if (mediaType === 'application/json') return typeOf(objectOf(objectOf(form).schema))
    return mediaType === '*/*' ? 'the bytes' : mediaType
  })
  return forms.join(' or ')
}

function schemaText(name: string, schema: JsonObject): string {
  const parts = arrayAt(schema, 'allOf').map(objectOf)
  const base = parts.flatMap((part) => (typeof part.$ref === 'string' ? [`Everything of ${typeOf(part)}, and:`] : []))
  const rows = [schema, ...parts].flatMap((part) => fieldRows(objectOf(part.properties), ''))
  return [`### ${name}`, ...base, table(['field', 'type', 'unit', 'meaning'], rows)].join('\n\n')
}

function fieldRows(properties: JsonObject, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, value]) => {
    const schema = objectOf(value)
    const unit = stringAt(schema, 'x-unit') ?? ''
    const about = aboutOf(schema, unit)
    const row = [`\`${prefix}${name}\``, typeOf(schema), unit, about]
    return isObject(schema.properties) ? fieldRows(schema.properties, `${prefix}${name}.`) : [row]
  })
}

function aboutOf(schema: JsonObject, unit: string): string {
  const about = stringAt(schema, 'description') ?? ''
  const words = wordsOf(schema)
  const text = unit !== '' && about.endsWith(` (${unit})`) ? about.slice(0, -unit.length - 3) : about
  return words === '' ? text : `${text}: ${words}`
}

const wordsOf = (schema: JsonObject): string =>
  arrayAt(schema, 'enum')
    .filter((word) => word !== null)
    .map((word) => `\`${word}\``)
    .join(', ')

function rangeOf({ minimum, maximum, default: fallback }: JsonObject): string {
  if (typeof minimum !== 'number' || typeof maximum !== 'number') return ''
  return `${minimum} to ${maximum}${fallback === undefined ? '' : `, ${fallback} by default`}`
}

function typeOf(schema: JsonObject): string {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return `[${name}](#${name.toLowerCase()})`
  }
  const choices = [...arrayAt(schema, 'anyOf'), ...arrayAt(schema, 'oneOf'), ...arrayAt(schema, 'allOf')].map(objectOf)
  if (choices.length > 0) return [...new Set(choices.map(typeOf).filter((type) => type !== 'any'))].join(' or ')
  const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? 'any']).map(String)
  return types.map((type) => (type === 'array' ? listOf(schema) : type)).join(' or ')
}

const listOf = (schema: JsonObject): string => (isObject(schema.items) ? `list of ${typeOf(schema.items)}` : 'list')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

if (import.meta.main) writeFileSync(apiDocsPath, apiDocs())

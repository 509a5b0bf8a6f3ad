import { arrayAt, at, isObject, type JsonObject, objectOf, parseJson, stringAt } from '../records/json.ts'

/**
 * Definitions of functions as models of OpenAI get to see them: types in a namespace, not JSON (wire-formats 14.3). Null: the
 * text is not a list of functions.
 */
export function functionTypes(toolsText: string): string | null {
  const tools = parseJson(toolsText)?.value
  const functions = (Array.isArray(tools) ? tools : []).map((tool) => objectOf(at(tool, 'function') ?? tool))
  if (functions.length === 0 || functions.some((one) => stringAt(one, 'name') === null)) return null
  return ['namespace functions {', '', ...functions.flatMap(functionLines), '} // namespace functions'].join('\n')
}

function functionLines(definition: JsonObject): string[] {
  const name = stringAt(definition, 'name')
  const properties = membersOf(definition.parameters, 0)
  const type = properties.length === 0 ? `type ${name} = () => any;` : `type ${name} = (_: {`
  return [...comment(definition), type, ...(properties.length === 0 ? [] : [...properties, '}) => any;']), '']
}

const comment = (schema: unknown): string[] =>
  (stringAt(schema, 'description') ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `// ${line}`)

/** What stands deeper than anything real is left out. */
const deepest = 16
/** Below this depth descriptions are not shown to the model. */
const describedDepth = 2

function membersOf(schema: unknown, depth: number): string[] {
  const required = new Set(arrayAt(schema, 'required'))
  return Object.entries(objectOf(at(schema, 'properties'))).flatMap(([name, property]) => [
    ...(depth < describedDepth ? comment(property) : []),
    `${name}${required.has(name) ? '' : '?'}: ${typeOf(property, depth + 1)},`,
  ])
}

function typeOf(schema: unknown, depth: number): string {
  const choices = arrayAt(schema, 'enum')
  if (choices.length > 0) return choices.map((choice) => JSON.stringify(choice)).join(' | ')
  const options = [...arrayAt(schema, 'anyOf'), ...arrayAt(schema, 'oneOf')]
  if (depth > deepest) return 'any'
  if (options.length > 0) return options.map((option) => typeOf(option, depth + 1)).join(' | ')
  const type = isObject(schema) ? schema.type : null
  if (Array.isArray(type)) return type.map((one) => named(one)).join(' | ')
  if (type === 'array') return `${typeOf(at(schema, 'items'), depth + 1)}[]`
  if (type === 'object') return ['{', ...membersOf(schema, depth), '}'].join('\n')
  return named(type)
}

const named = (type: unknown): string => (type === 'integer' ? 'number' : typeof type === 'string' ? type : 'any')

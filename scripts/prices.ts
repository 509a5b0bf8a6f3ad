import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Splits one price file into `providers/<id>/prices.json`, one for every provider folder, and `providers/other/prices.json`
 * for all that have no folder yet; writes the sources' licence lines into NOTICE. Numbers keep their exact text.
 *
 *     npm run prices -- PATH/model-prices.json
 */
function main(path: string | undefined): void {
  if (path === undefined) throw new Error('which file? npm run prices -- PATH/model-prices.json')
  const root = dirname(import.meta.dirname)
  const data = readExactly(readFileSync(path, 'utf8'))
  const folders = readdirSync(join(root, 'providers'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'providers', entry.name, 'provider.ts')))
    .map((entry) => entry.name)
  const written = { models: 0, rules: 0 }
  for (const folder of [...folders, 'other']) {
    const mine = (owner: { id?: string; provider?: string }): boolean => {
      const id = owner.id ?? owner.provider ?? ''
      return folder === 'other' ? !folders.includes(id) : id === folder
    }
    const part: PriceFile = {
      ...data,
      providers: data.providers.filter(mine),
      rules: data.rules.filter(mine),
      models: data.models.filter(mine),
    }
    written.models += part.models.length
    written.rules += part.rules.length
    mkdirSync(join(root, 'providers', folder), { recursive: true })
    writeFileSync(join(root, 'providers', folder, 'prices.json'), layOut(part))
  }
  if (written.models !== data.models.length || written.rules !== data.rules.length)
    throw new Error(
      `wrote ${written.models} models and ${written.rules} rules of ${data.models.length} and ${data.rules.length}`,
    )
  writeFileSync(join(root, 'NOTICE'), notice(data.sources))
  console.log(`${written.models} models and ${written.rules} rules in ${folders.length + 1} files`)
}

interface PriceFile {
  sources: Source[]
  providers: { id: string }[]
  rules: { provider: string }[]
  models: { provider: string }[]
}

interface Source {
  id: string
  name: string
  url?: string
  snapshot?: string
  licence: string
  copyright?: string
}

type ExactReviver = (key: string, value: unknown, context: { source?: string }) => unknown
const parse = JSON.parse as (text: string, reviver: ExactReviver) => unknown
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

const readExactly = (text: string): PriceFile =>
  parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? rawJson(source) : value,
  ) as PriceFile

/** One line a list item, so that a changed price is a changed line. */
function layOut(part: PriceFile): string {
  const fields = Object.entries(part).map(([key, value]) => {
    if (!Array.isArray(value) || value.length === 0) return `${JSON.stringify(key)}: ${JSON.stringify(value)}`
    return `${JSON.stringify(key)}: [\n${value.map((item) => JSON.stringify(item)).join(',\n')}\n]`
  })
  return `{\n${fields.join(',\n')}\n}\n`
}

function notice(sources: readonly Source[]): string {
  const lines = sources.map((source) =>
    [
      `* ${source.name}${source.url ? ` (${source.url})` : ''}`,
      ...(source.snapshot ? [`  ${source.snapshot}`] : []),
      ...(source.copyright ? [`  ${source.copyright}`] : []),
      `  ${source.licence}`,
    ].join('\n'),
  )
  return `Prices

The files providers/*/prices.json hold list prices of hosted models. Their values come from these sources:

${lines.join('\n\n')}

The sources named MIT are used under these terms:

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

Data marked CC BY 4.0 is used under https://creativecommons.org/licenses/by/4.0/ with the credit given above; values were
selected and converted.
`
}

main(process.argv[2])

import { knownEntries, type SettingsFile } from './file.ts'
import type { Problems } from './problems.ts'
import { sectionNames } from './sections.ts'
import { fields, table } from './table.ts'

/** Names in the file that no setting has, at the top and in the sections that hold rows of the table. */
export function checkNames(file: SettingsFile, problems: Problems): void {
  const paths = fields.flatMap((field) => {
    const row = table[field]
    return row.secret ? [row.path, `${row.path}_file`] : [row.path]
  })
  paths.push(...sectionNames)
  const inside = (section: string) => [
    ...new Set(
      paths
        .filter((path) => section === '' || path.startsWith(`${section}.`))
        .map((path) => path.slice(section === '' ? 0 : section.length + 1).split('.')[0]!),
    ),
  ]
  const check = (section: string, node: ReturnType<SettingsFile['find']>) => {
    if (node?.kind !== 'map') return
    for (const [name, entry] of knownEntries(node, section, inside(section), file, problems)) {
      const path = section === '' ? name : `${section}.${name}`
      const isSection = paths.some((one) => one.startsWith(`${path}.`))
      if (!isSection) continue
      if (entry.value.kind === 'map') check(path, entry.value)
      else if (entry.value.kind !== 'unset' && !(path === 'capture' && entry.value.kind === 'text')) {
        problems.about(path, file.place(entry), `wants settings of its own: ${inside(path).join(', ')}`)
      }
    }
  }
  check('', file.find(''))
}

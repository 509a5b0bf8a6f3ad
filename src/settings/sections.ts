import { type Fields, namedEntries, providerWish, readFields, type SectionSources } from './entries.ts'
import * as parse from './parsers.ts'
import type { CaptureRule, KeySettings, ProjectSettings, Settings } from './settings.ts'
import { readUpstreams } from './upstreams.ts'
import type { ListNode } from './yaml.ts'

/** The parts of the file that are lists and maps of the operator's own names. */
export const sectionNames = ['upstreams', 'projects', 'keys', 'capture.rules'] as const

export function readSections(
  sources: SectionSources,
): Pick<Settings, 'upstreams' | 'projects' | 'keys' | 'captureRules'> {
  return {
    upstreams: readUpstreams(sources),
    projects: readProjects(sources),
    keys: readKeys(sources),
    captureRules: readRules(sources),
  }
}

function readProjects(sources: SectionSources): Record<string, ProjectSettings> {
  const wanted: Fields<ProjectSettings> = {
    name: parse.text('a name for people'),
    includeUsage: { ...parse.yesOrNo, as: 'include_usage' },
  }
  return Object.fromEntries(
    namedEntries('projects', parse.projectId, sources).map(({ id, entry }) => [
      id,
      readFields<ProjectSettings>(entry.value, `projects.${id}`, wanted, sources),
    ]),
  )
}

function readKeys(sources: SectionSources): Record<string, KeySettings> {
  const wanted: Fields<KeySettings> = { project: parse.projectId, name: parse.text('a name for people') }
  return Object.fromEntries(
    namedEntries('keys', parse.fingerprint, sources).map(({ id, entry }) => [
      id,
      readFields<KeySettings>(entry.value, `keys.${id}`, wanted, sources),
    ]),
  )
}

const capture = parse.oneOf('full', 'metadata', 'off')
const rulePath: parse.Parser<string> = {
  wants: 'the beginning of a path such as /v1/chat',
  read: (given) => (given.startsWith('/') ? given : undefined),
  show: String,
}

function readRules(sources: SectionSources): CaptureRule[] {
  const { file, problems, provenance } = sources
  const node = file.find('capture.rules')
  if (node === null || node.kind === 'unset') return []
  if (node.kind !== 'list') {
    problems.about('capture.rules', file.place(node), 'wants a list of rules')
    return []
  }
  provenance.set('capture.rules', file.place(node))
  return ruleNodes(node).map(({ path, item }) => {
    const fields: Fields<CaptureRule> = {
      project: parse.projectId,
      provider: parse.upstreamId,
      path: rulePath,
      request: capture,
      response: capture,
    }
    const rule: CaptureRule = readFields(item, path, fields, sources)
    if (item.kind === 'unset' || (item.kind === 'map' && !('request' in rule) && !('response' in rule))) {
      problems.about(path, file.place(item), 'says neither request nor response: wants at least one of them')
    }
    if (rule.provider !== undefined && !sources.providers.some(({ id }) => id === rule.provider)) {
      problems.value(`${path}.provider`, rule.provider, file.place(item), providerWish(sources))
    }
    return rule
  })
}

const ruleNodes = (node: ListNode) => node.items.map((item, place) => ({ path: `capture.rules[${place}]`, item }))

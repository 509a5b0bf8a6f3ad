import { routeAt } from '../../records/provider-routes.ts'
import type { Settings } from '../../settings/settings.ts'
import { Call, type CallParts } from '../call.ts'
import { AskingCall } from './asking-call.ts'
import { Room } from './room.ts'

/** Formats in which `stream_options.include_usage` can be said. */
const formats: ReadonlySet<string> = new Set(['openai-chat', 'openai-completions'])

/** Memory for the requests that wait to be complete, so that the question can be added: all of them together. */
const roomBytes = 64 * 1024 * 1024

/** Makes the calls of a project. Where nobody wants streams to be asked for their usage, that is all it does. */
export function callMaker(settings: Settings): (parts: CallParts, project: string) => Call {
  if (!wanted(settings)) return (parts) => new Call(parts)
  const room = new Room(roomBytes)
  return (parts, project) => (asks(settings, parts, project) ? new AskingCall(parts, room) : new Call(parts))
}

const wanted = ({ upstreamDefaults, upstreams, projects }: Settings): boolean =>
  [upstreamDefaults, ...Object.values(upstreams), ...Object.values(projects)].some(({ includeUsage }) => includeUsage)

function asks({ projects }: Settings, { request, upstream, path }: CallParts, project: string): boolean {
  if (request.method !== 'POST') return false
  const { limits, provider } = upstream
  if (!(projects[project]?.includeUsage ?? limits.includeUsage) || provider.usageInStreams === 'always') return false
  const found = routeAt('POST', path.split('?', 1)[0]!, provider)
  return found?.route.format != null && formats.has(found.route.format)
}

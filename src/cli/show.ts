import { loadProviders } from '../../providers/index.ts'
import { curlText } from '../api/curl.ts'
import { loggedCall } from '../api/logged-call.ts'
import { NotRepeatable } from '../api/request-again.ts'
import type { Provider } from '../records/provider.ts'
import { timelineOf } from '../records/timeline.ts'
import type { RunDetail } from '../stores/store.ts'
import { idOperand, wholeId } from './call-id.ts'
import type { Command } from './command.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { filterOptions, timeZone } from './question.ts'
import type { Records } from './records.ts'
import { runText } from './run-text.ts'
import { proxyPlace, recordOptions, withRecords } from './with-records.ts'

export const show: Command = {
  details: `ID is what \`sightglass runs\` prints, or the answer's x-sightglass-id header.
The beginning of it will do, from 8 characters on, if no other call's id begins so.

Examples:
  sightglass show 019f5c1e-8a3b
  sightglass show 019f5c1e-8a3b --json
  sightglass show 019f5c1e-8a3b --format curl
  sightglass show 019f5c1e-8a3b --raw response > answer.bin`,
  options: {
    full: { about: 'Long texts whole.' },
    format: {
      value: 'FORM',
      about: 'otel: as an OpenTelemetry log document. curl: as a command line that makes the call again.',
    },
    raw: { value: 'SIDE', about: 'The bytes of the request or response, exactly as they were, on standard output.' },
    tz: filterOptions.tz!,
    json: filterOptions.json!,
    ...recordOptions,
  },
  async run(given, io) {
    const zone = timeZone(given)
    const raw = given.text('raw')
    if (raw !== undefined && raw !== 'request' && raw !== 'response') {
      throw new UsageError(`--raw ${raw}: wants request or response`)
    }
    const format = given.text('format')
    if (format !== undefined && format !== 'otel' && format !== 'curl') {
      throw new UsageError(`--format ${format}: wants otel or curl`)
    }
    if ([raw, format, given.flag('json') || undefined].filter((one) => one !== undefined).length > 1)
      throw new UsageError('--raw, --format and --json: one of them at a time')
    const wanted = idOperand(given.operands[0]!)
    const { settings, url } = await proxyPlace(given, io)
    await withRecords(given, io, async (records) => {
      const id = await wholeId(wanted, records)
      if (raw !== undefined) return io.out(await kept(id, raw, records))
      const detail = await records.run(id)
      if (!detail) throw new CommandFailure(`${id}: no such call`)
      if (format === 'curl')
        return io.out(commandLine(detail, await records.body(id, 'request'), url, await loadProviders()))
      if (format === 'otel') {
        const [request, response] = [await records.body(id, 'request'), await records.body(id, 'response')]
        return io.out(jsonText(loggedCall(detail, request, response, settings.deploymentEnvironment)))
      }
      io.out(given.flag('json') ? jsonText(document(detail)) : runText(detail, zone, io.width, given.flag('full')))
    })
    return 0
  },
}

function commandLine(
  detail: RunDetail,
  body: Uint8Array | null,
  url: string,
  providers: ReadonlyMap<string, Provider>,
): string {
  try {
    return curlText(detail, body, url, providers.get(detail.telemetry.metadata.provider))
  } catch (error) {
    if (!(error instanceof NotRepeatable)) throw error
    throw new CommandFailure(`${detail.telemetry._id} cannot be made again: ${error.message}`, { cause: error })
  }
}

const jsonText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** As the API gives it. */
const document = ({ telemetry, run, chunkTimes }: RunDetail) => ({
  telemetry,
  run,
  timeline: timelineOf(telemetry, chunkTimes),
  chunk_times: chunkTimes,
})

async function kept(id: string, side: 'request' | 'response', records: Records): Promise<Uint8Array> {
  const bytes = await records.body(id, side)
  if (bytes) return bytes
  throw new CommandFailure(`${id}: no bytes of the ${side} are kept, or there is no such call`)
}

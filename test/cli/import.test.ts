import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { callRow, columns, connectionRow } from '../../src/exporters/csv/columns.ts'
import { headerText, rowsText } from '../../src/exporters/csv/text.ts'
import { lockDirectory } from '../../src/stores/sqlite/lock.ts'
import { aRecord } from '../support/records.ts'
import { cli, storeWith, temporary } from './run-cli.ts'

const header = columns.join(',')
const old =
  '2025-05-01T10:11:12.123456,llm_request,10.0.0.7,0b6e9d3c-0d5e-4a53-9d3a-0f3f7c6f1c11,Team-A,ada,Shop,llm,/completion,POST,' +
  '200,812.5,40,120,10.0,30,40,gpt-4,812.5,"{""model"": ""gpt-4"", ""temperature"": 0.7, ""max_tokens"": 2000}"'

describe('sightglass import', () => {
  it('stores every call of a file that the fallback wrote, once however often it is given', async () => {
    const records = [1, 2, 3].map((number) =>
      aRecord({ id: `call-${number}`, metadata: { llm_model: '=evil()', soeid: 'ada' } }),
    )
    const event = connectionRow({ atMs: 1, event: 'lost', status: 'error', details: {} })
    const file = csv(headerText + rowsText([event, ...records.map(({ telemetry }) => callRow(telemetry))]))
    const env = storeWith([])
    expect(await cli(['import', file], env)).toMatchObject({
      code: 0,
      out: `${file}: 3 imported, 0 stored before, 1 other rows left out, 0 refused\n`,
    })
    expect((await cli(['import', file, file], env)).out).toBe(
      `${file}: 0 imported, 3 stored before, 1 other rows left out, 0 refused\n`.repeat(2),
    )
    const usage = JSON.parse((await cli(['usage', '--json', '--group-by', 'project,model'], env)).out)
    expect(usage.groups).toEqual([
      expect.objectContaining({ requests: 3, total_tokens: 51, group: { project: 'acme', model: '=evil()' } }),
    ])
  })

  it("leaves the proxy's own records of the same calls as they are", async () => {
    const record = aRecord()
    const env = storeWith([record])
    const file = csv(headerText + rowsText([callRow(record.telemetry)]))
    expect((await cli(['import', file], env)).out).toContain('0 imported, 1 stored before')
    expect(JSON.parse((await cli(['show', record.telemetry._id, '--json'], env)).out)).toMatchObject({
      telemetry: JSON.parse(JSON.stringify(record.telemetry)),
    })
  })

  it("reads a predecessor's rows: moments without a zone are UTC, the second row of a call is left out", async () => {
    const env = storeWith([])
    const plain = '2025-05-01 10:11:12,direct_request,,req-1746094272123,anonymous,,,dgen-ping,/info,GET,200,3,,,,,,,,'
    const second = old.replace('llm_request', 'llm_run')
    const file = csv(`\ufeff${[header, old, second, plain, plain.replace('/info', '/metrics')].join('\n')}\n`)
    expect((await cli(['import', file], env)).out).toContain(
      '3 imported, 0 stored before, 1 other rows left out, 0 refused',
    )
    const { out } = await cli(['runs', '--json', '--project', 'team-a'], env)
    expect(JSON.parse(out).items[0].telemetry).toMatchObject({
      timestamp: '2025-05-01T10:11:12.123Z',
      event_type: 'llm_request',
      client_ip: '10.0.0.7',
      metadata: {
        project_id: 'team-a',
        user_id: 'ada',
        operation: 'completion',
        prompt_tokens: 10,
        total_tokens: 40,
        token_source: 'estimated',
        cost_usd: null,
        additional_data: { temperature: 0.7 },
      },
    })
  })

  it.each([
    ['/v1/responses', 'chat'],
    ['/v1/images/edits', 'images'],
    ['/v1/audio/speech', 'speech'],
    ['/v1/audio/translations', 'transcription'],
    ['/v1/moderations', 'moderation'],
    ['/v1/embeddings', 'embeddings'],
  ])('takes a call of %s for one of %s', async (path, operation) => {
    const env = storeWith([])
    expect((await cli(['import', csv(`${header}\n${old.replace('/completion', path)}\n`)], env)).code).toBe(0)
    const { out } = await cli(['runs', '--json', '--operation', operation], env)
    expect(JSON.parse(out).items).toHaveLength(1)
  })

  it('reports refused lines with column and value, and takes the others', async () => {
    const file = csv(
      [
        header,
        old.replace('812.5', 'fast'),
        old.replace(',Shop,', ',"Sh\nop",').replace('0b6e', '1111'),
        old.replace('2025-05-01T', '01.05.2025 '),
        old.replace(',/completion', ''),
        old.replace('gpt-4', '=1'),
        `${old.slice(0, -20)}`,
      ].join('\r\n'),
    )
    const { code, out } = await cli(['import', file], storeWith([]))
    expect(code).toBe(1)
    expect(out.split('\n')).toEqual([
      `${file}: 2 imported, 0 stored before, 0 other rows left out, 4 refused`,
      '  line 2: latency_ms = "fast": wants milliseconds',
      '  line 5: timestamp = "01.05.2025 10:11:12.123456": wants a moment such as 2026-11-21T10:15:30Z',
      expect.stringMatching(/^ {2}line 6: .*: the row has 19 columns, the header 20$/),
      '  line 8: a quote is not closed before the end of the file',
      '',
    ])
  })

  it('refuses what is no telemetry file, and a directory where a proxy runs', async () => {
    const env = storeWith([])
    const drifted = csv('timestamp,metadata.client_id\n')
    expect(await cli(['import', drifted], env)).toMatchObject({ code: 1 })
    expect((await cli(['import', drifted], env)).notes).toContain(
      'is no telemetry file: its first line has no column event_type',
    )
    expect((await cli(['import', csv('')], env)).notes).toContain('the file is empty')
    expect((await cli(['import', 'nowhere.csv'], env)).notes).toContain('nowhere.csv cannot be read: ENOENT')
    const lock = lockDirectory(env.DATA_DIR)
    try {
      expect((await cli(['import', csv(`${header}\n`)], env)).notes).toContain('in use by a running Sightglass')
    } finally {
      lock.release()
    }
  })
})

function csv(text: string): string {
  const file = join(temporary(), 'telemetry.csv')
  writeFileSync(file, text)
  return file
}

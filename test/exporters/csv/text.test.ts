import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columns, type Row } from '../../../src/exporters/csv/columns.ts'
import { headerText, rowsText, textOfCell } from '../../../src/exporters/csv/text.ts'

const empty = Object.fromEntries(columns.map((column) => [column, null])) as unknown as Row
const cellsOf = (text: string): string[][] => parse(text, { record_delimiter: '\r\n', relax_column_count: false })

it('has the 20 columns of the contract, in their order', () => {
  expect(headerText).toBe(
    'timestamp,event_type,client_ip,request_id,client_id,soeid,project_name,target_service,endpoint,method,status_code,' +
      'latency_ms,request_size,response_size,prompt_tokens,completion_tokens,total_tokens,llm_model,llm_latency,' +
      'additional_data\r\n',
  )
})

describe('what is printed', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', ',', ';', '\r', '\n', '\t', '\0', "'", '=', '+', '-', '@', ' ', 'a') }),
  )
  const rows = fc.array(fc.array(texts, { minLength: 20, maxLength: 20 }), { minLength: 1, maxLength: 5 })

  it('reads back as it was', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const printed = rowsText(given.map((cells) => rowOf(cells)))
        expect(cellsOf(printed).map((cells) => cells.map(textOfCell))).toEqual(given)
      }),
      { numRuns: 500 },
    )
  })

  it('holds no text that a spreadsheet would run, and changes no other', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const printed = cellsOf(rowsText(given.map((cells) => rowOf(cells)))).flat()
        for (const [place, text] of given.flat().entries()) {
          expect(printed[place]).not.toMatch(/^[=+\-@\t\r\0]/)
          if (!/^'*[=+\-@\t\r\0]/.test(text)) expect(printed[place]).toBe(text)
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each(['=cmd()', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\0=1'])('begins with one apostrophe for %j', (text) => {
    expect(cellsOf(rowsText([{ ...empty, llm_model: text }]))[0]?.[17]).toBe(`'${text}`)
  })

  it('leaves numbers numbers, and unknown ones empty', () => {
    expect(rowsText([{ ...empty, timestamp: 't', latency_ms: 12.5, llm_latency: -3 }])).toBe(
      `t,,,,,,,,,,,12.5,,,,,,,-3,\r\n`,
    )
  })
})

const rowOf = (cells: readonly string[]): Row =>
  Object.fromEntries(columns.map((column, place) => [column, cells[place]])) as unknown as Row

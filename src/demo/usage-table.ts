import { type Column, tableText } from '../cli/table.ts'
import { countText, durationText, moneyText, unknown } from '../cli/text.ts'
import type { Store, UsageRow } from '../stores/store.ts'

/** Usage by project, provider and model, with a line of totals. */
export async function usageTable(store: Store, width: number): Promise<string> {
  const { groups, totals } = await store.usage(null, { groupBy: ['project', 'provider', 'model'] })
  const rows = [...groups].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
  return tableText(columns, [...rows, { ...totals, group: { project: 'total' } }], width)
}

const nameOf = ({ group }: UsageRow): string => [group.project, group.provider, group.model].join('\u0000')

const columns: readonly Column<UsageRow>[] = [
  { head: 'project', text: ({ group }) => group.project ?? unknown },
  { head: 'provider', text: ({ group }) => group.provider ?? '' },
  { head: 'model', text: ({ group }) => group.model ?? '', least: 12 },
  { head: 'calls', text: (row) => countText(row.requests), align: 'right' },
  { head: 'errors', text: (row) => countText(row.errors), align: 'right' },
  { head: 'input', text: (row) => countText(row.input_tokens), align: 'right' },
  { head: 'output', text: (row) => countText(row.output_tokens), align: 'right' },
  { head: 'first token', text: (row) => durationText(row.ttft_ms?.p50), align: 'right', leaveOut: 2 },
  { head: 'latency', text: (row) => durationText(row.latency_ms?.p50), align: 'right', leaveOut: 1 },
  { head: 'cost', text: (row) => (row.unpriced > 0 ? unknown : moneyText(row.cost_picodollars)), align: 'right' },
]

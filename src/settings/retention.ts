import type { Settings } from './settings.ts'

type Days = Pick<
  Settings,
  'telemetryDays' | 'llmRunsDays' | 'bodiesDays' | 'rollupsDays' | 'connectionLogsDays' | 'metricsDays'
>

/** Days by collection of MongoDB; 0: for ever. */
export const collectionDays = (settings: Days) => ({
  telemetry: settings.telemetryDays,
  llm_runs: settings.llmRunsDays,
  rollups: settings.rollupsDays,
  connection_logs: settings.connectionLogsDays,
  metrics: settings.metricsDays,
})

/** Days for raw bytes; 0: for ever. */
export const bodiesDays = ({ bodiesDays, llmRunsDays }: Days): number => bodiesDays ?? llmRunsDays

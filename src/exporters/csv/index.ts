export { type CsvFallbackOptions, type KeptText, openCsvFallback } from './fallback.ts'
export { type CsvItem, NotTelemetry, type Refusal, readCsv } from './read.ts'

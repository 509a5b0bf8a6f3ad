export type { KeptText } from './book.ts'
export { type CsvFallbackOptions, openCsvFallback } from './fallback.ts'
export { type CsvItem, NotTelemetry, type Refusal, readCsv } from './read.ts'

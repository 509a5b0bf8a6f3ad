import type { SQLInputValue } from 'node:sqlite'
import type { RecordFilter } from '../store.ts'

/** Parts of a WHERE clause with their bound values. No text from outside ever becomes SQL. */
export class Conditions {
  readonly #parts: string[] = []
  readonly values: SQLInputValue[] = []

  add(sql: string, ...values: SQLInputValue[]): this {
    this.#parts.push(sql)
    this.values.push(...values)
    return this
  }

  /** Adds the condition when there is a value. */
  when(sql: string, value: SQLInputValue | undefined): this {
    return value === undefined || value === null ? this : this.add(sql, value)
  }

  get sql(): string {
    return this.#parts.length === 0 ? '1' : this.#parts.join(' AND ')
  }
}

/** What records and rollups have in common; key and user stand in different columns. */
export const common = (conditions: Conditions, filter: RecordFilter): Conditions =>
  conditions.when('model = ?', filter.model).when('provider = ?', filter.provider).when('outcome = ?', filter.outcome)

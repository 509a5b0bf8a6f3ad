/** A number the provider reported, or null when it reported none. Zero means it said zero. */
export type Count = number | null

/** The sum, or null when any part is unknown. */
export const sum = (...parts: Count[]): Count =>
  parts.reduce<Count>((total, part) => (total === null || part === null ? null : total + part), 0)

/** The sum of the known parts, or null when none is known. */
export const sumKnown = (...parts: Count[]): Count =>
  parts.reduce<Count>((total, part) => (part === null ? total : (total ?? 0) + part), null)

/** `whole` without its `parts`; unknown parts take nothing away, and nothing goes below zero. */
export const without = (whole: Count, ...parts: Count[]): Count =>
  whole === null
    ? null
    : Math.max(
        0,
        parts.reduce<number>((rest, part) => rest - (part ?? 0), whole),
      )

/** What is to be said of sums that are not exact, and what can be done about it. */
export function usageHints({ estimated, unpriced }: { estimated: number; unpriced: number }): readonly string[] {
  return [
    ...(estimated > 0
      ? [
          `the tokens of ${callsText(estimated)} are estimated, as the provider reported none: include_usage: true has the proxy ask streams for them (docs/metering.md)`,
        ]
      : []),
    ...(unpriced > 0
      ? [
          `the cost leaves out ${callsText(unpriced)} that used tokens without a known price: /usage/unpriced says why, config/prices.yaml takes prices of your own (docs/metering.md)`,
        ]
      : []),
  ]
}

export const callsText = (count: number): string => (count === 1 ? '1 call' : `${count} calls`)

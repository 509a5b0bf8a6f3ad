import { z } from '@hono/zod-openapi'
import { type UsageAnswer, type UsageGroup, type UsageRow, type UsageSums, usageGroups } from '../../stores/store.ts'
import type { UnpricedAnswer } from '../../stores/unpriced.ts'
import { amount, amountOrNull, count, field, flag, orNull, text, textOrNull } from './field.ts'

const distribution = z
  .object({
    mean: amount('mean', 'ms'),
    p50: amount('median', 'ms'),
    p95: amount('95th percentile', 'ms'),
    p99: amount('99th percentile', 'ms'),
    max: amount('maximum', 'ms'),
  })
  .openapi('Distribution')

const sums = z
  .object({
    requests: count('all of them', 'calls'),
    errors: count('calls that ended in an error', 'calls'),
    estimated: count(
      'calls whose tokens were estimated; for streams that are not asked for their usage the setting include_usage changes that',
      'calls',
    ),
    unpriced: count(
      'calls that used tokens, or something else that is billed, and have no price; they are not in the cost; /usage/unpriced says why',
      'calls',
    ),
    input_tokens: count('input, cached or not', 'tokens'),
    cached_input_tokens: count('the part of the input that was read from a cache', 'tokens'),
    output_tokens: count('output, reasoning included', 'tokens'),
    reasoning_tokens: count('the part of the output that was reasoning', 'tokens'),
    total_tokens: count('input and output', 'tokens'),
    cost_picodollars: field(z.string(), 'cost, exact, as decimal text', '10⁻¹² USD'),
    cost_usd: amount('cost, rounded to a double', 'USD'),
    request_bytes: count('bodies of requests', 'bytes'),
    response_bytes: count('bodies of answers', 'bytes'),
    latency_ms: orNull(distribution, 'from the accepted request to the end of the answer; within 1 %'),
    ttft_ms: orNull(distribution, 'to the first generated content; within 1 %'),
    inter_token_ms: orNull(distribution, 'between pieces of content; within 1 %'),
    output_tokens_per_second: amountOrNull('output per second of generation', 'tokens/s'),
  })
  .openapi('UsageSums') satisfies z.ZodType<UsageSums>

const group = z
  .partialRecord(z.enum(usageGroups), z.string().nullable())
  .openapi({ description: 'the value of each grouping by name; null where calls have none' }) satisfies z.ZodType<
  Partial<Record<UsageGroup, string | null>>
>

const row = sums.extend({ group }).openapi('UsageRow') satisfies z.ZodType<UsageRow>

export const usageAnswer = z
  .object({
    groups: z.array(row).readonly().openapi({ description: 'one row for each group; none without group_by' }),
    totals: sums,
    truncated: flag('more groups exist than limit allowed'),
    hints: z
      .array(z.string())
      .readonly()
      .openapi({ description: 'how many calls were estimated or have no price, and how to change that' }),
  })
  .openapi('Usage') satisfies z.ZodType<UsageAnswer>

export const keyUsageAnswer = usageAnswer
  .extend({
    key: z.object({
      id: text('fingerprint of the key'),
      name: textOrNull('its readable name, from the settings'),
      project: textOrNull('its project, from the settings'),
    }),
  })
  .openapi('KeyUsage')

export const unpricedAnswer = z
  .object({
    calls: count('that used tokens, or something else that is billed, and have no price', 'calls'),
    models: z
      .array(
        z.object({
          provider: textOrNull("vendor's API; null where a user was asked for"),
          model: textOrNull('model'),
          calls: count('of this model, without a price', 'calls'),
          reason: textOrNull('what the record of the newest of them says'),
          call: textOrNull('id of that call'),
        }),
      )
      .readonly()
      .openapi({ description: 'at most 20, those with the most calls: provider, model, calls, reason, call' }),
    truncated: flag('there are more models'),
  })
  .openapi('UnpricedCalls') satisfies z.ZodType<UnpricedAnswer>

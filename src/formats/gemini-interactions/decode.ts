import { arrayAt, at, countAt, isObject, type JsonObject, stringAt } from '../../records/json.ts'
import { Answer } from '../answer.ts'
import type { Decoder } from '../decoder.ts'
import { errorIn } from '../error-forms.ts'
import { finishReason } from '../finish-reasons.ts'
import { mergedMetadata } from '../gemini-content/usage.ts'
import { Steps } from './steps.ts'
import { interactionUsage } from './usage.ts'

/** Statuses of an interaction that has not come to its end. */
const going: ReadonlySet<string> = new Set(['in_progress', 'queued'])

/**
 * Events that name themselves in `event_type`, from `interaction.created` to `interaction.completed`, or one whole interaction.
 * What an interaction's last event repeats of its steps was told before.
 */
export function interactionDecoder(): Decoder {
  const answer = new Answer()
  const steps = new Steps(answer)
  let usage: JsonObject | null = null

  const count = (reported: unknown): void => {
    usage = mergedMetadata(usage, reported)
  }

  const state = (interaction: unknown): void => {
    answer.identify(at(interaction, 'id'), at(interaction, 'model'))
    answer.serviceTier ??= stringAt(interaction, 'service_tier')
    count(at(interaction, 'usage'))
    const status = stringAt(interaction, 'status')
    if (status === null || going.has(status)) return
    answer.terminated = true
    const reason = finishReason(status)
    answer.finish(0, status, reason === 'stop' && steps.called ? 'tool_calls' : reason)
    if (reason === 'error') answer.fail(firstError(interaction))
  }

  const events: Readonly<Record<string, (event: JsonObject) => void>> = {
    'step.start': (event) => steps.start(countAt(event, 'index') ?? 0, event.step),
    'step.delta'(event) {
      count(at(event, 'metadata', 'total_usage'))
      steps.delta(countAt(event, 'index') ?? 0, event.delta)
    },
    'step.stop': (event) => count(event.usage),
    'interaction.status_update': (event) => count(event.usage),
  }

  const read = (value: unknown, name: string | null): void => {
    const error = errorIn(value, name)
    if (error) answer.fail(error)
    if (!isObject(value)) return
    const type = stringAt(value, 'event_type') ?? name ?? ''
    if (Object.hasOwn(events, type)) events[type]?.(value)
    else if (isObject(value.interaction)) state(value.interaction)
  }

  return {
    push(value, atMs, name) {
      answer.event(atMs)
      read(value, name)
    },
    whole(value) {
      const error = errorIn(value)
      if (error) answer.fail(error)
      for (const [index, step] of arrayAt(value, 'steps').entries()) steps.whole(index, step)
      state(value)
      // a stream waits for its end, a whole answer that has not begun is made later
      answer.pending = going.has(stringAt(value, 'status') ?? '')
      answer.terminated = true
    },
    done() {
      answer.terminated = true
    },
    finish() {
      answer.usage = usage && interactionUsage(usage, answer.model)
      answer.tokenSource = 'reported'
      answer.rawUsage = usage
      return answer.result()
    },
  }
}

function firstError(interaction: unknown): { message: string; type: string | null; code: string | null } {
  const error = arrayAt(interaction, 'errors')[0]
  const code = at(error, 'code')
  return {
    message: stringAt(error, 'message') ?? 'the interaction failed',
    type: stringAt(interaction, 'status'),
    code: typeof code === 'string' || typeof code === 'number' ? String(code) : null,
  }
}

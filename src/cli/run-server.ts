import type { RunDetail } from '../stores/store.ts'
import { bytesText, countText, durationText, rateText } from './text.ts'

/** How the server's own counters and times read; null: they stand elsewhere already. */
const forms: Readonly<Record<string, ((value: number | string) => string) | null>> = {
  ollama_response: null,
  model_version: null,
  prompt_eval_count: null,
  eval_count: null,
  total_duration_ms: null,
  queue_duration_ms: (ms) => `waited ${durationText(Number(ms))}`,
  load_duration_ms: (ms) => `loaded the model in ${durationText(Number(ms))}`,
  prompt_eval_duration_ms: (ms) => `read the prompt in ${durationText(Number(ms))}`,
  eval_duration_ms: (ms) => `generated for ${durationText(Number(ms))}`,
  tokens_per_second: (rate) => `${rateText(Number(rate))} output tokens`,
  status: (status) => `last word: ${status}`,
  layers: (count) => `${countText(Number(count))} layers`,
  completed_bytes: (bytes) => `${bytesText(Number(bytes))} moved`,
  total_bytes: (bytes) => `of ${bytesText(Number(bytes))}`,
}

/** What the server said of its own work; what has no form here is shown under its name. */
export function serverText({ run }: RunDetail): string | null {
  const named = [...new Set([...Object.keys(forms), ...Object.keys(run.metadata)])]
  const shown = named.flatMap((name) => {
    const value = run.metadata[name]
    const form = Object.hasOwn(forms, name) ? forms[name] : (known: number | string) => `${name} ${known}`
    return form && (typeof value === 'number' || typeof value === 'string') ? [form(value)] : []
  })
  return shown.length > 0 ? shown.join(' · ') : null
}

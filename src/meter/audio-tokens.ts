import type { AudioFact } from '../formats/decoder.ts'
import { bareName } from './encodings.ts'

/** Tokens of a second of audio: what the vendors say of their models. */
const perSecond = { input: 10, output: 20, gemini: 32 }

/** A recording of which nothing tells how long it is counts as speech in 128 kbit/s. */
const usualBytesPerSecond = 16_000

export function audioInputTokens(model: string | null, { bytes, seconds }: AudioFact): number {
  const rate = bareName(model).startsWith('gemini') ? perSecond.gemini : perSecond.input
  return Math.ceil((seconds ?? bytes / usualBytesPerSecond) * rate)
}

/** Streams carry 16-bit samples at 24 kHz, which is the only form they come in. */
export const audioOutputTokens = (bytes: number): number => Math.ceil((bytes / 48_000) * perSecond.output)

import type { ImageFact } from '../formats/decoder.ts'
import { bareName } from './encodings.ts'

/**
 * Tokens of a picture by the rule of its model's vendor (wire-formats 14.4), never by its bytes. Of a picture that was given as
 * a link the size is not known: it counts as 1024 × 1024.
 */
export function imageTokens(model: string | null, { detail, width = 1024, height = 1024 }: ImageFact): number {
  const name = bareName(model)
  const rule = rules.find(([prefix]) => name.startsWith(prefix))?.[1] ?? tiles(85, 170)
  return rule(width, height, detail === 'low')
}

type Rule = (width: number, height: number, low: boolean) => number

/** OpenAI: within 2048 × 2048, then the short side at most 768, then a base and so much for each tile of 512 × 512. */
const tiles =
  (base: number, each: number): Rule =>
  (width, height, low) => {
    if (low) return base
    const fit = Math.min(1, 2048 / Math.max(width, height))
    const scale = fit * Math.min(1, 768 / (fit * Math.min(width, height)))
    return base + each * Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
  }

/** OpenAI: so much for each patch of 32 × 32, of which there are at most 1536. */
const patches =
  (factor: number): Rule =>
  (width, height) =>
    Math.ceil(Math.min(1536, Math.ceil(width / 32) * Math.ceil(height / 32)) * factor)

/** Anthropic: a token for 750 pixels, after the long side was brought to 1568 at most. */
const claude: Rule = (width, height) => {
  const scale = Math.min(1, 1568 / Math.max(width, height))
  return Math.min(1600, Math.ceil((width * height * scale * scale) / 750))
}

/** Google: 258 for a small picture, else for each tile of 768 × 768. */
const gemini: Rule = (width, height) =>
  width <= 384 && height <= 384 ? 258 : 258 * Math.ceil(width / 768) * Math.ceil(height / 768)

/** By prefix, the first that fits. */
const rules: readonly (readonly [prefix: string, rule: Rule])[] = [
  ['gpt-4o-mini', tiles(2833, 5667)],
  ['gpt-4.1-mini', patches(1.62)],
  ['gpt-4.1-nano', patches(2.46)],
  ['gpt-5-mini', patches(1.62)],
  ['gpt-5-nano', patches(2.46)],
  ['o4-mini', patches(1.72)],
  ['gpt-5', tiles(70, 140)],
  ['o1', tiles(75, 150)],
  ['o3', tiles(75, 150)],
  ['claude', claude],
  ['gemini', gemini],
  ['gemma', gemini],
]

import { anthropicMessages } from './anthropic-messages/format.ts'
import type { Format } from './decoder.ts'
import { lmstudioChat } from './lmstudio-chat/format.ts'
import { ollamaChat } from './ollama-chat/format.ts'
import { ollamaEmbed } from './ollama-embed/format.ts'
import { ollamaGenerate } from './ollama-generate/format.ts'
import { openaiChat } from './openai-chat/format.ts'
import { openaiCompletions } from './openai-completions/format.ts'
import { openaiEmbeddings } from './openai-embeddings/format.ts'
import { openaiImages } from './openai-images/format.ts'
import { openaiModerations } from './openai-moderations/format.ts'
import { openaiResponses } from './openai-responses/format.ts'
import { openaiSpeech } from './openai-speech/format.ts'
import { openaiTranscription } from './openai-transcription/format.ts'

const all: readonly Format[] = [
  // one line each
  anthropicMessages,
  lmstudioChat,
  openaiChat,
  openaiCompletions,
  openaiEmbeddings,
  openaiResponses,
  openaiImages,
  openaiSpeech,
  openaiTranscription,
  openaiModerations,
  ollamaChat,
  ollamaGenerate,
  ollamaEmbed,
]

/** Every wire format, by the id that provider declarations use. A new format is a folder and a line here. */
export const formats: ReadonlyMap<string, Format> = new Map(all.map((format) => [format.id, format]))

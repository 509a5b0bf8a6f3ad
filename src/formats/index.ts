import { anthropicMessages } from './anthropic-messages/format.ts'
import { cohereChat } from './cohere-chat/format.ts'
import { cohereChatV1 } from './cohere-chat-v1/format.ts'
import { cohereEmbed } from './cohere-embed/format.ts'
import type { Format } from './decoder.ts'
import { geminiContent, geminiContentStream } from './gemini-content/format.ts'
import { geminiEmbeddings } from './gemini-embeddings/format.ts'
import { geminiInteractions } from './gemini-interactions/format.ts'
import { geminiPredict } from './gemini-predict/format.ts'
import { llamacppCompletion } from './llamacpp-completion/format.ts'
import { lmstudioChat } from './lmstudio-chat/format.ts'
import { ollamaChat } from './ollama-chat/format.ts'
import { ollamaEmbed } from './ollama-embed/format.ts'
import { ollamaGenerate } from './ollama-generate/format.ts'
import { ollamaProgress } from './ollama-progress/format.ts'
import { openaiChat } from './openai-chat/format.ts'
import { openaiCompletions } from './openai-completions/format.ts'
import { openaiEmbeddings } from './openai-embeddings/format.ts'
import { openaiImages } from './openai-images/format.ts'
import { openaiModerations } from './openai-moderations/format.ts'
import { openaiResponses } from './openai-responses/format.ts'
import { openaiSpeech } from './openai-speech/format.ts'
import { openaiTranscription } from './openai-transcription/format.ts'
import { rerank } from './rerank/format.ts'

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
  ollamaProgress,
  geminiContent,
  geminiContentStream,
  geminiEmbeddings,
  geminiInteractions,
  geminiPredict,
  cohereChat,
  cohereChatV1,
  cohereEmbed,
  llamacppCompletion,
  rerank,
]

/** Every wire format, by the id that provider declarations use. A new format is a folder and a line here. */
export const formats: ReadonlyMap<string, Format> = new Map(all.map((format) => [format.id, format]))

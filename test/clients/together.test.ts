import Anthropic from '@anthropic-ai/sdk'
import { Ollama } from 'ollama'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BothWays, bothWays, collect } from './both-ways.ts'

const questions = Array.from({ length: 12 }, (_, place) => `Question ${place}: ${'why '.repeat(place + 1)}not?`)

describe('many calls at the same time', () => {
  let ways: BothWays
  beforeAll(async () => {
    ways = await bothWays()
  })
  afterAll(() => ways.stop())

  it('each get their own answer and leave their own record', async () => {
    const ask = (url: string, question: string): Promise<string>[] => {
      const messages = [{ role: 'user' as const, content: question }]
      const openai = new OpenAI({ apiKey: 'sk-test', baseURL: `${url}/v1`, maxRetries: 0 })
      const anthropic = new Anthropic({ apiKey: 'sk-ant-test', baseURL: url, maxRetries: 0 })
      const ollama = new Ollama({ host: url })
      return [
        openai.chat.completions
          .create({ model: 'gpt-4o-mini', messages })
          .then((answer) => answer.choices[0]!.message.content!),
        openai.chat.completions
          .create({ model: 'gpt-4o-mini', messages, stream: true, stream_options: { include_usage: true } })
          .then(collect)
          .then((chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')),
        anthropic.messages.stream({ model: 'claude-haiku-4-5', max_tokens: 300, messages }).finalText(),
        ollama
          .chat({ model: 'llama3.2', messages, stream: true })
          .then(collect)
          .then((parts) => parts.map((part) => part.message.content).join('')),
      ]
    }
    const { value, records } = await ways.same((url) =>
      Promise.all(questions.flatMap((question) => ask(url, question))),
    )
    const said = questions.flatMap((question, place) =>
      value.slice(place * 4, place * 4 + 4).map((answer) => `${question} → ${answer}`),
    )
    const recorded = records.map(({ run }) => `${run.messages.map(textOf).join('')} → ${run.completion}`)
    expect(recorded.sort()).toEqual(said.sort())
    expect(new Set(records.map(({ telemetry }) => telemetry.metadata.outcome))).toEqual(new Set(['ok']))
    expect(new Set(value).size).toBeGreaterThan(questions.length / 2)
  })
})

const textOf = (message: unknown): string => (message as { text: string }).text

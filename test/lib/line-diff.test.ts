import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineDiff } from '../../src/lib/line-diff.ts'

const signs = { same: ' ', removed: '-', added: '+' } as const
const drawn = (before: string, after: string) => lineDiff(before, after).map(({ kind, text }) => signs[kind] + text)

describe('lineDiff', () => {
  it.each([
    ['', '', []],
    ['a', 'a\n', [' a']],
    ['', 'a\nb', ['+a', '+b']],
    ['a\nb', '', ['-a', '-b']],
    ['a\nb\nc\nd', 'a\nc\nx\nd', [' a', '-b', ' c', '+x', ' d']],
    ['one\r\ntwo', 'one\ntwo', [' one', ' two']],
  ])('of %j and %j', (before, after, lines) => {
    expect(drawn(before, after)).toEqual(lines)
  })

  it('holds both texts, each in its order, for any two', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(text, text, (before, after) => {
        const ended = (lines: readonly string[]) => [...lines, 'end']
        const lines = lineDiff(ended(before).join('\n'), ended(after).join('\n'))
        const without = (kind: string) => lines.filter((line) => line.kind !== kind).map((line) => line.text)
        expect(without('added')).toEqual(ended(before))
        expect(without('removed')).toEqual(ended(after))
      }),
    )
  })

  it('of very long texts that share little is still quick, and whole', () => {
    const lines = (name: string) => Array.from({ length: 20_000 }, (_, at) => `${name} ${at}`).join('\n')
    const found = lineDiff(lines('old'), lines('new'))
    expect(found).toHaveLength(40_000)
    expect(found[0]).toEqual({ kind: 'removed', text: 'old 0' })
    expect(found.at(-1)).toEqual({ kind: 'added', text: 'new 19999' })
  })
})

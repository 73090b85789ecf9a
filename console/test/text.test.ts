import { describe, expect, it } from 'vitest'
import { directionOf, guessLanguage, isolate, pieces, placeholders, plain, shortId } from '../src/text.ts'

describe('pieces', () => {
  it('takes a sentence apart at its placeholders, in order', () => {
    expect(pieces('{who} knew it at {time}.', { who: 'عمليات', time: '07:00Z' })).toEqual([
      { value: 'عمليات' }, { words: ' knew it at ' }, { value: '07:00Z' }, { words: '.' },
    ])
  })
  it('shows a gap for a value that is not given', () => {
    expect(pieces('at {time}', {})).toEqual([{ words: 'at ' }, { value: '–' }])
  })
  it('leaves braces that are no placeholder alone', () => {
    expect(pieces('{Not} {1}', {})).toEqual([{ words: '{Not} {1}' }])
  })
  it('never reads markup or a placeholder out of a value', () => {
    expect(pieces('{a}', { a: '{b}<b>' })).toEqual([{ value: '{b}<b>' }])
  })
})

describe('isolation', () => {
  it('keeps a position in its own order inside Arabic', () => {
    expect(plain('الموقع {at}', { at: '36.2021, 37.1343' })).toBe('الموقع \u206636.2021, 37.1343\u2069')
  })
  it('lets a value with Arabic letters find its own direction', () => {
    expect(isolate('تدمر (T2)')).toBe('\u2068تدمر (T2)\u2069')
    expect(directionOf('تدمر')).toBe('auto')
    expect(directionOf('37SDU882603')).toBe('ltr')
  })
  it('closes every isolate it opens', () => {
    const text = plain('{a} {b} {c}', { a: 'x', b: 'ب', c: 3 })
    expect(text.match(/[\u2066-\u2068]/g)).toHaveLength(3)
    expect(text.match(/\u2069/g)).toHaveLength(3)
  })
})

it('names the placeholders of a sentence', () => {
  expect(placeholders('{b} and {a}')).toEqual(['a', 'b'])
})
it('guesses a language only as a first offer', () => {
  expect(guessLanguage('نداء')).toBe('ar')
  expect(guessLanguage('call')).toBe('en')
})
it('shortens act ids and nothing else', () => {
  expect(shortId('a'.repeat(64))).toBe('aaaaaaaa')
  expect(shortId('line.east')).toBe('line.east')
})

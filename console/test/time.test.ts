import { describe, expect, it } from 'vitest'
import { clockText, durationText, localText, parseUtc, secondsBetween, utcText, windowText } from '../src/time.ts'

const hasArabicDigits = (text: string): boolean => /[\u0660-\u0669\u06f0-\u06f9]/.test(text)

describe('utcText', () => {
  it('always says its zone, and seconds only where there are any', () => {
    expect(utcText('2017-09-08T07:00:00Z')).toBe('2017-09-08 07:00Z')
    expect(utcText('2017-09-08T07:00:09Z')).toBe('2017-09-08 07:00:09Z')
    expect(utcText('2017-09-08T10:00:00+03:00')).toBe('2017-09-08 07:00Z')
  })
  it('shows what it cannot read as it is', () => {
    expect(utcText('yesterday')).toBe('yesterday')
  })
  it('gives the clock to the second', () => {
    expect(clockText(new Date('2017-09-08T07:00:09Z'))).toBe('07:00:09Z')
  })
})

it('says local time with its offset', () => {
  expect(localText('2017-09-08T07:00:00Z')).toMatch(/^2017-09-0[78] \d\d:\d\d [+-]\d\d:\d\d$/)
})

it('says the day of a window once where it is the same', () => {
  expect(windowText({ starts_at: '2017-09-08T05:00:00Z', ends_at: '2017-09-08T15:00:00Z' })).toBe('2017-09-08 05:00–15:00Z')
  expect(windowText({ starts_at: '2017-09-08T05:00:00Z', ends_at: '2017-09-09T15:00:00Z' })).toBe('2017-09-08 05:00Z – 2017-09-09 15:00Z')
})

describe('durationText', () => {
  it('uses the two largest units', () => {
    expect(durationText(0, 'en')).toBe('0 secs')
    expect(durationText(59, 'en')).toBe('59 secs')
    expect(durationText(90, 'en')).toBe('1 min 30 secs')
    expect(durationText(3_600, 'en')).toBe('1 hr')
    expect(durationText(6 * 86_400 + 3 * 3_600 + 59, 'en')).toBe('6 days 3 hrs')
  })
  it('leaves seconds out from ten minutes up', () => {
    expect(durationText(659, 'en')).toBe('10 mins')
  })
  it('never goes below nothing', () => {
    expect(durationText(-5, 'en')).toBe('0 secs')
  })
  it('keeps Latin digits in Arabic', () => {
    const text = durationText(6 * 86_400 + 3 * 3_600, 'ar')
    expect(text).toMatch(/6.*3/)
    expect(hasArabicDigits(text)).toBe(false)
  })
})

describe('parseUtc', () => {
  it.each([
    ['2017-09-08 07:00', '2017-09-08T07:00:00Z'],
    ['2017-09-08T07:00Z', '2017-09-08T07:00:00Z'],
    [' 2017-09-08 0700Z ', '2017-09-08T07:00:00Z'],
    ['2017-09-08 07:00:30', '2017-09-08T07:00:30Z'],
  ])('reads %s', (typed, value) => {
    expect(parseUtc(typed)).toBe(value)
  })
  it.each([
    '', 'now', '07:00', '2017-09-08', '2017-9-8 7:00', '2017-02-30 10:00', '2017-13-01 10:00', '2017-09-08 24:00', '2017-09-08 10:61',
    '2017-09-08 07:00+03:00', '8/9/2017 07:00', '٢٠١٧-٠٩-٠٨ ٠٧:٠٠',
  ])('refuses %s', (typed) => {
    expect(parseUtc(typed)).toBeNull()
  })
  it('reads back what is shown', () => {
    for (const at of ['2017-09-08T07:00:00Z', '2024-02-29T23:59:58Z']) expect(parseUtc(utcText(at))).toBe(at)
  })
})

it('measures between two moments', () => {
  expect(secondsBetween('2017-09-08T07:00:00Z', '2017-09-08T07:01:00Z')).toBe(60)
})

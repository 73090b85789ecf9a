import { describe, expect, it } from 'vitest'
import { bandText, bearingText, distanceText, parseNumber, parsePoint, positionText } from '../src/measure.ts'

it('says distances in the unit they are read in', () => {
  expect(distanceText(950, 'en')).toBe('950 m')
  expect(distanceText(2_400, 'en')).toBe('2.4 km')
  expect(distanceText(130_400, 'en')).toBe('130 km')
  expect(distanceText(2_400, 'ar')).toMatch(/^2\.4\s*كم$/)
})
it('says a band with its unit once', () => {
  expect(bandText({ lower_wgs84_m: 0, upper_wgs84_m: 7_600 }, 'en')).toBe('0–7,600 m')
})
it('says bearings in three digits', () => {
  expect(bearingText(4.6)).toBe('005°')
  expect(bearingText(359.7)).toBe('000°')
})

describe('parsePoint', () => {
  it.each([
    ['34.8853, 38.8711', [34.8853, 38.8711]],
    ['-33.9 18.4', [-33.9, 18.4]],
    ['34.8853;38.8711', [34.8853, 38.8711]],
    ['90, 180', [90, 180]],
  ])('reads %s', (typed, point) => {
    expect(parsePoint(typed)).toEqual(point)
  })
  it.each(['', '34.8853', '91, 10', '10, 181', '34.8853N, 38.8711E', '34,8853, 38,8711', '1e1, 2', 'NaN, 1', '34.88, 38.87, 5'])('refuses %s', (typed) => {
    expect(parsePoint(typed)).toBeNull()
  })
  it('reads back what is shown', () => {
    expect(parsePoint(positionText(34.8853, -38.8711))).toEqual([34.8853, -38.8711])
  })
})

it('reads plain numbers only', () => {
  expect(parseNumber(' -12.5 ')).toBe(-12.5)
  for (const typed of ['', '1e3', 'Infinity', '1,000', '0x10', '12 m']) expect(parseNumber(typed)).toBeNull()
})

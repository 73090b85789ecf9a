import { describe, expect, it } from 'vitest'
import { picture } from '../dev/fixtures.mjs'
import { madeUp } from '../src/labels.ts'
import { bufferWidth, outline, ring } from '../src/map/shapes.ts'
import { drawn, isStale, LAYERS, strength, things, type Speech } from '../src/map/things.ts'
import { DARK, LIGHT, styleOf, TOUCHABLE } from '../src/map/style.ts'
import type { Picture } from '../src/model.ts'

const known = picture as unknown as Picture
const now = new Date('2017-09-08T09:30:00Z')
const speech: Speech = {
  name: (name) => name.en, who: (id) => id, group: (id) => id, word: (family, code) => `${family}:${code}`, age: (s) => `age ${s}`, stale: (s) => `stale ${s}`, within: (m) => `within ${m}`, lasting: () => 'lasting',
  stateFor: (state, s) => `${state} ${s}`, waitsFor: (words) => `waits for ${words}`, versionOf: (who) => `of ${who}`, holder: (id) => id ?? 'nobody',
}
const all = things(known, now, speech)
const shapes = drawn(known, now, speech, new Set())
const features = [...shapes.areas.features, ...shapes.lines.features, ...shapes.points.features]

function metresBetween([lon1, lat1]: readonly [number, number], [lon2, lat2]: readonly [number, number]): number {
  const rad = Math.PI / 180
  const h = Math.sin(((lat2 - lat1) * rad) / 2) ** 2 + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(h))
}

describe('shapes', () => {
  it('draws every corner of a ring at its radius, by another formula', () => {
    for (const [lat, lon, radius] of [[34.75, 39.4, 45_000], [-60, 179.9, 200_000], [0, 0, 500]] as const) {
      for (const corner of ring(lat, lon, radius)) expect(metresBetween([lon, lat], corner)).toBeCloseTo(radius, 3)
    }
  })
  it('closes every outline', () => {
    const corners = outline({ shape: 'polygon', vertices: [[1, 2], [3, 4], [5, 6]] })
    expect(corners).toEqual([[2, 1], [4, 3], [6, 5], [2, 1]])
    const circle = outline({ shape: 'circle', centre: [34, 39], radius_m: 1000 })
    expect(circle[0]?.[0]).toBeCloseTo(circle.at(-1)?.[0] ?? 0, 9)
  })
  it('makes buffers wider toward the poles, as the map does', () => {
    expect(bufferWidth(1000, 60) / bufferWidth(1000, 0)).toBeCloseTo(2, 6)
  })
})

describe('things', () => {
  it('has everything that is drawn in the list too', () => {
    const listed = new Set(all.map((thing) => thing.id))
    expect(features.filter((one) => !listed.has(one.properties?.['thing']))).toEqual([])
  })
  it('names each thing once', () => {
    expect(new Set(all.map((thing) => thing.id)).size).toBe(all.length)
  })
  it('draws an area as an area and never as a point', () => {
    const stall = features.filter((one) => one.properties?.['thing'] === 'place:stall.area')
    expect(stall.filter((one) => one.geometry.type === 'Polygon')).toHaveLength(1)
    expect(stall.filter((one) => one.geometry.type === 'Point' && one.properties?.['what'] === 'place')).toEqual([])
  })
  it('draws a report known only to within an area as that area, and its group too', () => {
    const assets = known.assets.map((asset) => (asset.asset === 'bus.1' ? { ...asset, uncertainty_m: 45_000 } : asset))
    const wide = drawn({ ...known, assets }, now, speech, new Set())
    expect(wide.points.features.some((one) => one.properties?.['thing'] === 'asset:bus.1')).toBe(false)
    expect(wide.points.features.some((one) => one.properties?.['what'] === 'group-waiting')).toBe(false)
    expect(wide.areas.features.filter((one) => one.properties?.['what'] === 'group-waiting-area')).toHaveLength(1)
    expect(wide.points.features.some((one) => one.properties?.['thing'] === 'asset:bus.2')).toBe(true)
  })
  it('keeps what has no known position in the list only', () => {
    const west = all.find((thing) => thing.id === 'group:convoy.west')
    expect(west?.points).toEqual([])
    expect(features.some((one) => one.properties?.['thing'] === 'group:convoy.west')).toBe(false)
  })
  it('labels what was made up', () => {
    expect(all.find((thing) => thing.id === 'asset:bus.1')?.madeUp).toBe(true)
    expect(all.find((thing) => thing.id === 'asset:drone.1')?.madeUp).toBe(false)
    expect(features.find((one) => one.properties?.['what'] === 'asset' && one.properties['thing'] === 'asset:bus.1')?.properties?.['icon']).toBe('made-bus')
  })
  it('draws uncertainty around every report that has one', () => {
    for (const asset of known.assets) {
      expect(features.filter((one) => String(one.properties?.['what']).startsWith('uncertainty') && one.properties?.['thing'] === `asset:${asset.asset}`)).toHaveLength(1)
    }
  })
  it('leaves out hidden layers, and only those', () => {
    const without = drawn(known, now, speech, new Set(['assets', 'coverage']))
    const left = [...without.areas.features, ...without.lines.features, ...without.points.features].map((one) => String(one.properties?.['thing']).split(':')[0])
    expect(new Set(left)).toEqual(new Set(['group', 'clear', 'plan', 'place', 'boundary', 'finding']))
  })
  it('shows nothing before it knows anything', () => {
    expect(drawn(null, now, speech, new Set()).points.features).toEqual([])
  })
  it('has a layer for every thing', () => {
    expect(all.every((thing) => LAYERS.includes(thing.layer))).toBe(true)
  })
})

describe('age', () => {
  it('fades from full to faint and never to nothing', () => {
    expect(strength(0)).toBe(1)
    expect(strength(1e9)).toBeGreaterThan(0.3)
    for (let age = 0; age < 20_000; age += 500) expect(strength(age)).toBeGreaterThanOrEqual(strength(age + 500))
  })
  it('calls a report stale after an hour', () => {
    expect(isStale(3_600)).toBe(false)
    expect(isStale(3_601)).toBe(true)
  })
})

describe('the style', () => {
  it('fetches nothing: no glyphs, no sprite, no tiles', () => {
    for (const palette of [DARK, LIGHT]) {
      const style = styleOf(palette)
      expect(style.glyphs).toBeUndefined()
      expect(style.sprite).toBeUndefined()
      expect(Object.values(style.sources).every((source) => source.type === 'geojson')).toBe(true)
    }
  })
  it('has every layer that answers to a click', () => {
    const ids = styleOf(DARK).layers.map((layer) => layer.id)
    expect(TOUCHABLE.filter((id) => !ids.includes(id))).toEqual([])
  })
})

it('finds what was made up, and says nothing where nothing was', () => {
  expect(madeUp(known, [])).toEqual({ synthetic: true, assumed: true, exercise: false })
  const plain = { ...known, assets: [], groups: [], plans: [], clearings: [], coverage: [], findings: [] }
  expect(madeUp(plain, [])).toEqual({ synthetic: false, assumed: false, exercise: false })
})

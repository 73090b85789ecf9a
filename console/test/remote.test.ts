// Remote ID on the map: asked for only where the view is small, and drawn apart from what the line holds.

import { describe, expect, it } from 'vitest'
import { remoteShapes, viewOf } from '../src/map/remote.ts'
import { DARK, LIGHT, styleOf, TOUCHABLE } from '../src/map/style.ts'
import type { RemoteIdView } from '../src/model.ts'

const told: RemoteIdView = {
  label: { en: 'Remote ID, not verified', ar: 'هوية عن بعد، لم يتحقق منها أحد' },
  flights: [{ id: 'a', service: 'uss.example', at: '2026-03-01T12:00:00Z', lat_deg: 34.55, lon_deg: 69.2, alt_wgs84_m: null, simulated: false }],
  clusters: [{ south_deg: 34, west_deg: 69, north_deg: 34.01, east_deg: 69.02, flights: 3 }],
  silent: [],
}
const words = { flight: 'not verified', cluster: (count: number) => `not verified: ${count}` }

describe('the view that is asked for', () => {
  it('is two corners, each latitude first', () => {
    expect(viewOf([69.2, 34.55, 69.21, 34.56])).toBe('34.550000,69.200000,34.560000,69.210000')
  })
  it('is none where it is too large, or on both sides of the antimeridian', () => {
    expect(viewOf([69, 34.5, 69, 34.562])).not.toBeNull()
    expect(viewOf([69, 34.5, 69, 34.563])).toBeNull()
    expect(viewOf([69, 34, 70, 35])).toBeNull()
    expect(viewOf([179.99, 0, -179.99, 0.01])).toBeNull()
    expect(viewOf([179.99, 0, 180.01, 0.01])).toBeNull()
  })
  it('may be wider in degrees toward the poles', () => {
    expect(viewOf([0, 0, 0.08, 0.01])).toBeNull()
    expect(viewOf([0, 80, 0.08, 80.01])).not.toBeNull()
  })
})

describe('what is drawn', () => {
  const shapes = remoteShapes(told, words)
  it('says of every dot and box that it is not verified', () => {
    expect(shapes.features.map((one) => [one.geometry.type, one.properties?.['what'], one.properties?.['label']])).toEqual([
      ['Point', 'remote', 'not verified'], ['Polygon', 'remote-cluster', 'not verified: 3'],
    ])
    expect(shapes.features[0]?.geometry).toEqual({ type: 'Point', coordinates: [69.2, 34.55] })
  })
  it('is nothing when nothing was told', () => {
    expect(remoteShapes(null, words).features).toEqual([])
  })
  it('is in layers of its own that answer to no click', () => {
    for (const palette of [DARK, LIGHT]) {
      const layers = styleOf(palette).layers.filter((layer) => 'source' in layer && layer.source === 'remote')
      expect(layers.map((layer) => layer.id)).toEqual(['remote-cluster', 'remote', 'remote-name'])
      for (const layer of layers) expect(TOUCHABLE).not.toContain(layer.id)
    }
  })
})

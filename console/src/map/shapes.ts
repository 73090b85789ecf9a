/** Shapes for drawing only; no decision rests on them. The node measures on the ellipsoid, this is a sphere. */

import type { Area, LatLon } from '../model.ts'

export type LonLat = [lon: number, lat: number]
export type Box = [west: number, south: number, east: number, north: number]

const RADIUS_M = 6_371_008.8
const METRES_PER_PIXEL_AT_EQUATOR = 78_271.517
const rad = (degrees: number): number => (degrees * Math.PI) / 180
const deg = (radians: number): number => (radians * 180) / Math.PI

export const lonLat = ([lat, lon]: LatLon): LonLat => [lon, lat]

/** A closed ring around a point, `metres` away. */
export function ring(lat: number, lon: number, metres: number, corners = 72): LonLat[] {
  const angle = metres / RADIUS_M
  const out: LonLat[] = []
  for (let step = 0; step <= corners; step += 1) {
    const bearing = (2 * Math.PI * step) / corners
    const lat2 = Math.asin(Math.sin(rad(lat)) * Math.cos(angle) + Math.cos(rad(lat)) * Math.sin(angle) * Math.cos(bearing))
    const lon2 = rad(lon) + Math.atan2(
      Math.sin(bearing) * Math.sin(angle) * Math.cos(rad(lat)),
      Math.cos(angle) - Math.sin(rad(lat)) * Math.sin(lat2),
    )
    out.push([deg(lon2), deg(lat2)])
  }
  return out
}

export function outline(area: Area): LonLat[] {
  if (area.shape === 'circle') return ring(...area.centre, area.radius_m)
  const corners = area.vertices.map(lonLat)
  return corners[0] ? [...corners, corners[0]] : corners
}

/** Width of a line that covers `metres` on both sides, in pixels at zoom 0; it doubles with every zoom. */
export function bufferWidth(metres: number, lat: number): number {
  return (2 * metres) / (METRES_PER_PIXEL_AT_EQUATOR * Math.cos(rad(lat)))
}

export function middle(points: readonly LonLat[]): LonLat | null {
  if (points.length === 0) return null
  const sum = points.reduce<[number, number]>(([lon, lat], point) => [lon + point[0], lat + point[1]], [0, 0])
  return [sum[0] / points.length, sum[1] / points.length]
}

export function boxOf(points: readonly LonLat[]): Box | null {
  if (points.length === 0) return null
  const [lons, lats] = [points.map((point) => point[0]), points.map((point) => point[1])]
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
}

/** Which positions of a form are named in two ways: where a movement begins and ends, or what a volume is around. */

import { parsePoint } from '../measure.ts'
import type { LatLon } from '../model.ts'
import type { Draft } from './fields.ts'

export function namedPoints(draft: Draft): LatLon[] {
  const rows = draft['plan.trajectory.waypoints']
  const moves = ['ground_movement', 'flight'].includes(String(draft['plan.kind'] ?? ''))
  if (Array.isArray(rows) && moves) {
    const points = rows.map((row) => parsePoint(String(row['position'] ?? '')))
    const [first, last] = [points[0], points.at(-1)]
    return first && last ? [first, last] : []
  }
  const volumes = draft['plan.volumes']
  if (Array.isArray(volumes)) return volumes.flatMap((row) => around(row, 'volume.area'))
  if ('position' in draft) {
    const point = parsePoint(String(draft['position'] ?? ''))
    return point ? [point] : []
  }
  return around(draft, 'volume.area')
}

/** A circle is named by its centre, a polygon by its first corner and the one farthest along its outline. */
function around(draft: Draft, name: string): LatLon[] {
  if (draft[`${name}.shape`] === 'polygon') {
    const corners = String(draft[`${name}.vertices`] ?? '').split('\n').map(parsePoint).filter((one) => one !== null)
    if (corners.length < 3) return []
    return [corners[0], corners[Math.floor(corners.length / 2)]].filter((one) => one !== undefined)
  }
  const centre = parsePoint(String(draft[`${name}.centre`] ?? ''))
  return centre ? [centre] : []
}

/** What flies in a small view as Remote ID: other services' word. Apart from everything the line holds, and labelled. */

import type { Feature, FeatureCollection } from 'geojson'
import type { RemoteIdView } from '../model.ts'
import type { Box } from './shapes.ts'

/** As much as the standard lets anybody see at once; a little less, as this is a sphere. */
const MOST_M = 6_950
const METRES_PER_DEGREE = 111_195

/** The view to ask for; null if it is larger than may be asked, or reaches over the antimeridian. */
export function viewOf([west, south, east, north]: Box): string | null {
  if (east < west || east > 180 || west < -180) return null
  const wide = (east - west) * METRES_PER_DEGREE * Math.cos((((south + north) / 2) * Math.PI) / 180)
  if (Math.hypot(wide, (north - south) * METRES_PER_DEGREE) > MOST_M) return null
  return [south, west, north, east].map((degrees) => degrees.toFixed(6)).join(',')
}

/** Dots and boxes for the map. None of them answers to a click: there is nothing of them in the record. */
export function remoteShapes(view: RemoteIdView | null, words: { flight: string; cluster(count: number): string }): FeatureCollection {
  const features: Feature[] = []
  for (const flight of view?.flights ?? []) {
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: [flight.lon_deg, flight.lat_deg] }, properties: { what: 'remote', label: words.flight } })
  }
  for (const { south_deg: south, west_deg: west, north_deg: north, east_deg: east, flights } of view?.clusters ?? []) {
    const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    features.push({ type: 'Feature', geometry: { type: 'Polygon', coordinates: [ring] }, properties: { what: 'remote-cluster', label: words.cluster(flights) } })
  }
  return { type: 'FeatureCollection', features }
}

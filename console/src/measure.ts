/** Numbers, distances, heights and positions for people. */

import type { Band, LatLon, PlaceNames } from './model.ts'
import type { Lang } from './phrases.svelte.ts'
import { LOCALE, unitText } from './time.ts'

export function numberText(value: number, lang: Lang, digits = 0): string {
  return new Intl.NumberFormat(LOCALE[lang], { maximumFractionDigits: digits }).format(value)
}

/** Metres below two kilometres, kilometres above. */
export function distanceText(metres: number, lang: Lang): string {
  if (Math.abs(metres) < 2_000) return unitText(metres, 'meter', lang)
  return unitText(metres / 1000, 'kilometer', lang, Math.abs(metres) < 100_000 ? 1 : 0)
}

/** "34.8853, 38.8711": latitude first, WGS 84, no letters that could be reordered. */
export function positionText(lat: number, lon: number): string {
  return `${lat.toFixed(4)}, ${lon.toFixed(4)}`
}

export function bandText(band: Band, lang: Lang): string {
  return `${numberText(band.lower_wgs84_m, lang)}–${unitText(band.upper_wgs84_m, 'meter', lang)}`
}

/** True bearing as three digits, the way it is read over a voice line. */
export function bearingText(degrees: number): string {
  return `${String(Math.round(degrees) % 360).padStart(3, '0')}°`
}

export function placeNamesParts(names: PlaceNames, lang: Lang): { grid: string; from: string; bearing: string; distance: string } {
  return {
    grid: names.grid,
    from: names.nearest[lang],
    bearing: bearingText(names.bearing_deg),
    distance: distanceText(names.distance_m, lang),
  }
}

const POINT = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d+)?)\s*$/

/** "34.8853, 38.8711" as typed, latitude first; null if it is not that, or out of range. */
export function parsePoint(typed: string): LatLon | null {
  const match = POINT.exec(typed)
  if (!match) return null
  const [lat, lon] = [Number(match[1]), Number(match[2])]
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lat, lon] : null
}

const NUMBER = /^-?\d+(?:\.\d+)?$/

/** A number as typed; null for anything that is not plainly one. */
export function parseNumber(typed: string): number | null {
  const text = typed.trim()
  return NUMBER.test(text) ? Number(text) : null
}

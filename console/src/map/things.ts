/**
 * Everything that has a place, once for the list and once for the map: the same things, in the same words. An area is an
 * area and never a point; a report is as old as it is; what has no known place is in the list only.
 */

import type { Feature, FeatureCollection, Geometry } from 'geojson'
import { DECLARED, isFact, MOVEMENT_FINDINGS, type Area, type AssetView, type Basis, type Finding, type GroupView, type Picture } from '../model.ts'
import { bufferWidth, lonLat, middle, outline, ring, type LonLat } from './shapes.ts'

export const LAYERS = ['groups', 'assets', 'clearings', 'plans', 'places', 'coverage', 'boundaries', 'held', 'findings'] as const
export type Layer = (typeof LAYERS)[number]

/** A place whose position is known no better than this is drawn as an area. */
export const AREA_FROM_M = 5_000
const FRESH_S = 900
const STALE_S = 3_600

export interface Thing {
  /** "group:convoy.b": what it is and its id; also the address of it on the map page. */
  id: string
  layer: Layer
  title: string
  /** A short state in words, for the list and the label. */
  state: string
  tone: 'held' | 'waiting' | 'alarm' | 'quiet' | 'plain'
  madeUp: boolean
  /** Points that must be in view when it is looked at. */
  points: LonLat[]
}

/** Words the map needs in the language of the page; handed in so that this stays pure. */
export interface Speech {
  name(name: { en: string; ar: string }): string
  who(id: string): string
  group(id: string): string
  word(family: string, code: string): string
  age(seconds: number): string
  stale(seconds: number): string
  within(metres: number): string
  lasting(): string
  stateFor(state: string, seconds: number): string
  waitsFor(words: string): string
  versionOf(who: string): string
  holder(id: string | null): string
}

export function ageOf(asset: AssetView, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(asset.at)) / 1000)
}

/** How strongly a report is drawn: full while fresh, fading with age, never gone. */
export function strength(ageSeconds: number): number {
  if (ageSeconds <= FRESH_S) return 1
  if (ageSeconds >= STALE_S * 4) return 0.35
  return 1 - (0.65 * (ageSeconds - FRESH_S)) / (STALE_S * 4 - FRESH_S)
}

export const isStale = (ageSeconds: number): boolean => ageSeconds > STALE_S

/** The middle of where a group's members were last reported; null when none was. */
export function whereIs(group: GroupView, assets: readonly AssetView[]): LonLat | null {
  const members = new Set(group.members.map(([asset]) => asset))
  return middle(assets.filter((asset) => members.has(asset.asset)).map((asset) => [asset.lon_deg, asset.lat_deg]))
}

/** How far from where a group is drawn any of its members may be, by their last reports. */
function reachOf(group: GroupView, assets: readonly AssetView[]): number {
  const members = new Set(group.members.map(([asset]) => asset))
  return Math.max(0, ...assets.filter((asset) => members.has(asset.asset)).map((asset) => asset.uncertainty_m))
}

function positionOf(finding: Finding): LonLat | null {
  const [lat, lon] = [finding.values?.['lat_deg'], finding.values?.['lon_deg']]
  return typeof lat === 'number' && typeof lon === 'number' ? [lon, lat] : null
}

/** Findings stay on the map while they last and for a day after; in the list they stay. */
const RECENT_S = 86_400
function isRecent(finding: Finding, now: Date): boolean {
  return !finding.until || now.getTime() - Date.parse(finding.until) < RECENT_S * 1000
}
function latestFirst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => Number(Boolean(a.until)) - Number(Boolean(b.until)) || Date.parse(b.since) - Date.parse(a.since))
}

const TONES: Record<string, Thing['tone']> = {
  waiting: 'alarm', lost_contact: 'alarm', halted: 'waiting', split: 'waiting', moving: 'held', unknown: 'plain',
}

export function groupState(group: GroupView, now: Date, speech: Speech): string {
  const state = speech.word('group', group.state)
  const lasting = group.since ? speech.stateFor(state, (now.getTime() - Date.parse(group.since)) / 1000) : state
  return group.state === 'waiting' && group.waits_for ? `${lasting} – ${speech.waitsFor(group.waits_for)}` : lasting
}

export function assetState(asset: AssetView, now: Date, speech: Pick<Speech, 'age' | 'stale'>): string {
  const age = ageOf(asset, now)
  return isStale(age) ? speech.stale(age) : speech.age(age)
}

export function things(picture: Picture, now: Date, speech: Speech): Thing[] {
  const out: Thing[] = []
  const add = (id: string, layer: Layer, title: string, state: string, basis: Basis | null, points: LonLat[], tone: Thing['tone'] = 'plain'): void => {
    out.push({ id, layer, title, state, tone, madeUp: !isFact(basis), points })
  }
  for (const group of picture.groups) {
    const at = whereIs(group, picture.assets)
    const reach = reachOf(group, picture.assets)
    add(`group:${group.id}`, 'groups', speech.name(group.name), groupState(group, now, speech), group.basis, at ? (reach > AREA_FROM_M ? ring(at[1], at[0], reach, 8) : [at]) : [], TONES[group.state])
  }
  for (const asset of picture.assets) {
    const at: LonLat = [asset.lon_deg, asset.lat_deg]
    const tone = isStale(ageOf(asset, now)) ? 'quiet' : 'plain'
    add(`asset:${asset.asset}`, 'assets', `${speech.word('asset', asset.kind)} ${asset.asset}`, assetState(asset, now, speech), asset.basis, [at], tone)
  }
  for (const [thread, status, volume, basis] of picture.clearings) {
    const tone = status === 'waiting' ? 'waiting' : status === 'reported_clear' ? 'held' : 'plain'
    add(`clear:${thread}`, 'clearings', speech.word('thread', 'clear_request'), speech.word('status', `clear_request.${status}`), basis, outline(volume.area), tone)
  }
  for (const [thread, plan] of picture.plans) {
    const points = [...(plan.trajectory?.waypoints ?? []).map((point): LonLat => [point.lon_deg, point.lat_deg]), ...(plan.volumes ?? []).flatMap((volume) => outline(volume.area))]
    add(`plan:${thread}`, 'plans', speech.name(plan.name), speech.word('plan', plan.kind), plan.basis ?? DECLARED, points)
  }
  for (const place of picture.places) {
    const { lat_deg, lon_deg, uncertainty_m } = place.position
    const points: LonLat[] = isArea(place) ? ring(lat_deg, lon_deg, uncertainty_m, 8) : [[lon_deg, lat_deg]]
    add(`place:${place.id}`, 'places', speech.name(place.name), '', null, points)
  }
  picture.coverage.forEach(({ party, span, act }, index) => {
    const title = `${speech.word('sensor', span.sensor)} – ${speech.who(party)}`
    const tone = span.state === 'watched' ? 'held' : span.state === 'declared_gap' ? 'waiting' : 'plain'
    add(`coverage:${act}:${index}`, 'coverage', title, speech.word('coverage', span.state), span.basis ?? DECLARED, outline(span.area), tone)
  })
  for (const { party, boundary } of picture.boundaries) {
    add(`boundary:${party}:${boundary.id}`, 'boundaries', speech.name(boundary.name), speech.versionOf(speech.who(party)), boundary.basis ?? DECLARED, boundary.vertices.map(lonLat))
  }
  for (const held of picture.held) {
    add(`held:${held.group}`, 'held', speech.group(held.group), speech.holder(held.holder), null, [], held.holder ? 'held' : 'waiting')
  }
  for (const finding of latestFirst(picture.findings)) {
    const at = positionOf(finding)
    const subjects = finding.subjects.map((id) => (MOVEMENT_FINDINGS.includes(finding.kind) ? speech.group(id) : speech.who(id))).join(' · ')
    add(`finding:${finding.key}`, 'findings', `${speech.word('finding', finding.kind)}${subjects ? ` – ${subjects}` : ''}`, finding.until ? '' : speech.lasting(), null, at ? [at] : [])
    if (finding.synthetic) out.at(-1)!.madeUp = true
  }
  return out
}

export function isArea(place: Picture['places'][number]): boolean {
  return Boolean(place.is_area) || place.position.uncertainty_m > AREA_FROM_M
}

export type Drawn = Record<'areas' | 'lines' | 'points', FeatureCollection>

type Properties = Record<string, string | number | boolean>
const feature = (thing: string, what: string, geometry: Geometry, more: Properties = {}): Feature => ({
  type: 'Feature', geometry, properties: { thing, what, ...more },
})
const polygon = (points: LonLat[]): Geometry => ({ type: 'Polygon', coordinates: [points] })
const line = (points: LonLat[]): Geometry => ({ type: 'LineString', coordinates: points })
const point = (at: LonLat): Geometry => ({ type: 'Point', coordinates: at })
const edgeOf = (points: LonLat[], edge: 'north' | 'south'): LonLat =>
  points.reduce((best, one) => ((edge === 'north') === one[1] > best[1] ? one : best))
const all = (features: Feature[]): FeatureCollection => ({ type: 'FeatureCollection', features })

/** The same things as shapes. `hidden` layers are left out. */
export function drawn(picture: Picture | null, now: Date, speech: Speech, hidden: ReadonlySet<Layer>): Drawn {
  if (!picture) return { areas: all([]), lines: all([]), points: all([]) }
  const [areas, lines, points]: [Feature[], Feature[], Feature[]] = [[], [], []]
  /** An area, and its name at its edge: in the middle names would lie on one another. */
  const area = (thing: string, what: string, named: string, shape: Area, label: string, edge: 'north' | 'south'): void => {
    const outside = outline(shape)
    areas.push(feature(thing, what, polygon(outside)))
    points.push(feature(thing, named, point(edgeOf(outside, edge)), { label }))
  }

  if (!hidden.has('coverage')) {
    picture.coverage.forEach(({ party, span, act }, index) => {
      const label = `${speech.word('sensor', span.sensor)}\n${speech.word('coverage', span.state)} – ${speech.who(party)}`
      area(`coverage:${act}:${index}`, `coverage-${span.state}`, 'coverage-name', span.area, label, 'south')
    })
  }
  if (!hidden.has('places')) {
    for (const place of picture.places) {
      const { lat_deg, lon_deg, uncertainty_m } = place.position
      const label = speech.name(place.name)
      if (isArea(place)) area(`place:${place.id}`, 'place', 'place-area-name', { shape: 'circle', centre: [lat_deg, lon_deg], radius_m: uncertainty_m }, label, 'south')
      else points.push(feature(`place:${place.id}`, 'place', point([lon_deg, lat_deg]), { label }))
    }
  }
  if (!hidden.has('boundaries')) {
    for (const { party, boundary } of picture.boundaries) {
      const label = `${speech.name(boundary.name)} – ${speech.versionOf(speech.who(party))}`
      lines.push(feature(`boundary:${party}:${boundary.id}`, 'boundary', line(boundary.vertices.map(lonLat)), { label }))
    }
  }
  if (!hidden.has('plans')) {
    for (const [thread, plan] of picture.plans) {
      const label = speech.name(plan.name)
      const way = plan.trajectory
      if (way) {
        const coordinates = way.waypoints.map((one): LonLat => [one.lon_deg, one.lat_deg])
        const lat = way.waypoints[0]?.lat_deg ?? 0
        lines.push(feature(`plan:${thread}`, 'plan', line(coordinates), { label, width: bufferWidth(way.buffer_m, lat) }))
      }
      for (const volume of plan.volumes ?? []) area(`plan:${thread}`, 'plan', 'plan-area-name', volume.area, label, 'north')
    }
  }
  if (!hidden.has('clearings')) {
    for (const [thread, status, volume, basis] of picture.clearings) {
      const made = isFact(basis) ? '' : `\n(${speech.word('basis', basis.kind)})`
      const label = `${speech.word('thread', 'clear_request')}\n${speech.word('status', `clear_request.${status}`)}${made}`
      const what = status === 'reported_clear' ? 'clear-reported' : status === 'waiting' ? 'clear-waiting' : 'clear-answered'
      area(`clear:${thread}`, what, 'clear-name', volume.area, label, 'north')
    }
  }
  if (!hidden.has('assets')) {
    for (const asset of picture.assets) {
      const at: LonLat = [asset.lon_deg, asset.lat_deg]
      const id = `asset:${asset.asset}`
      const opacity = strength(ageOf(asset, now))
      const made = !isFact(asset.basis)
      const wide = asset.uncertainty_m > AREA_FROM_M
      if (asset.uncertainty_m > 0) areas.push(feature(id, wide ? 'uncertainty-wide' : 'uncertainty', polygon(ring(asset.lat_deg, asset.lon_deg, asset.uncertainty_m)), { opacity, made }))
      if (asset.trail.length > 0 && !wide) lines.push(feature(id, 'trail', line([...asset.trail.map(lonLat), at]), { opacity, made }))
      // A report known only to within an area is drawn as that area: a sign in the middle would claim too much.
      if (!wide) points.push(feature(id, 'asset', point(at), { opacity, made, icon: `${made ? 'made-' : ''}${asset.kind}`, label: `${asset.asset}\n${assetState(asset, now, speech)}` }))
    }
  }
  if (!hidden.has('groups')) {
    for (const group of picture.groups) {
      const at = whereIs(group, picture.assets)
      if (!at) continue
      const label = `${speech.name(group.name)}\n${groupState(group, now, speech)}`
      const what = group.state === 'waiting' ? 'group-waiting' : 'group'
      const tone = TONES[group.state] ?? 'plain'
      const reach = reachOf(group, picture.assets)
      if (reach > AREA_FROM_M) {
        const outside = ring(at[1], at[0], reach)
        areas.push(feature(`group:${group.id}`, `${what}-area`, polygon(outside), { tone }))
        points.push(feature(`group:${group.id}`, `${what}-name`, point(edgeOf(outside, 'north')), { label: `${label}\n${speech.within(reach)}`, tone }))
      } else points.push(feature(`group:${group.id}`, what, point(at), { label, tone }))
    }
  }
  if (!hidden.has('findings')) {
    for (const finding of picture.findings) {
      const at = positionOf(finding)
      if (at && isRecent(finding, now)) points.push(feature(`finding:${finding.key}`, 'finding', point(at), { label: speech.word('finding', finding.kind) }))
    }
  }
  return { areas: all(areas), lines: all(lines), points: all(points) }
}

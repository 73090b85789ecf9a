/** Which area of the page is open, kept in the address so that it survives a reload and can be sent to a colleague. */

export const AREAS = ['map', 'threads', 'timeline', 'statements'] as const
export type Area = (typeof AREAS)[number]

export interface Place {
  area: Area
  /** The thread, act or object opened in it. */
  item: string | null
  /** The instant looked at; null is now. */
  at: string | null
}

/** "#/threads/<id>?at=<instant>" and back. Anything else is the map, now. */
export function readPlace(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const [area, ...item] = path.split('/')
  const at = new URLSearchParams(query).get('at')
  return {
    area: AREAS.find((known) => known === area) ?? 'map',
    item: item.length > 0 && item[0] ? decodeURIComponent(item.join('/')) : null,
    at: at && !Number.isNaN(Date.parse(at)) ? at : null,
  }
}

export function writePlace(place: Place): string {
  const item = place.item ? `/${encodeURIComponent(place.item)}` : ''
  return `#/${place.area}${item}${place.at ? `?at=${place.at}` : ''}`
}

class Route {
  place: Place = $state({ area: 'map', item: null, at: null })

  start(): void {
    const read = (): void => {
      this.place = readPlace(location.hash)
    }
    read()
    addEventListener('hashchange', read)
  }

  go(change: Partial<Place>): void {
    const next = { ...this.place, ...change }
    if ('area' in change && !('item' in change)) next.item = null
    this.place = next
    history.pushState(null, '', writePlace(next))
  }

  /** The slider moves often: it replaces the address instead of filling the history. */
  look(at: string | null): void {
    this.place = { ...this.place, at }
    history.replaceState(null, '', writePlace(this.place))
  }
}

export const route = new Route()

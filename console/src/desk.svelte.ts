/**
 * What this page knows: asked from the node as one party, either now or as that party knew it at an instant of record
 * time. Everything shown comes from here; nothing is kept as a truth beside it.
 */

import { api, forgetToken, keepToken, Refusal, takeToken, token, type Eye } from './api.ts'
import { listen } from './events.ts'
import type { ActView, LineView, Name, PartyView, Picture, StatementView, Status, ThreadView } from './model.ts'
import { LANGS, tongue } from './phrases.svelte.ts'
import { route } from './route.svelte.ts'

const STORED_PARTY = 'keepclear.party'
const STORED_ROLE = 'keepclear.role.'
/** The node's whole record, not one party's part of it. */
export const WHOLE_NODE = ''

const LEAST_PAUSE_MS = 700
const STATUS_EVERY_MS = 10_000

class Desk {
  needToken = $state(false)
  tokenWrong = $state(false)
  connected = $state(true)
  loaded = $state(false)
  /** Another party or instant was chosen, and its answers are not all here yet. */
  loading = $state(false)
  /** What the node said when it could not answer a question of this page. */
  trouble: string | null = $state(null)
  status: Status | null = $state.raw(null)
  party = $state(WHOLE_NODE)
  role = $state('')
  threads: ThreadView[] = $state.raw([])
  thread: ThreadView | null = $state.raw(null)
  threadGone = $state(false)
  picture: Picture | null = $state.raw(null)
  lines: LineView[] = $state.raw([])
  statements: StatementView[] = $state.raw([])
  /** The last act that came over the live stream. */
  latest: ActView | null = $state.raw(null)
  firstEntryAt: string | null = $state(null)
  /** The node's clock, ticking here between two answers of the node. */
  nodeNow = $state(new Date())

  #anchor: { node: number; here: number } | null = null
  #rate = 1
  #turn = 0
  #busy = false
  #shown = ''
  #again = false
  #stop = new AbortController()

  /** The instant everything shown belongs to. */
  get now(): Date {
    return route.place.at ? new Date(route.place.at) : this.nodeNow
  }

  get replaying(): boolean {
    return route.place.at !== null
  }

  get eye(): Eye {
    return { party: this.party || null, at: route.place.at }
  }

  get hosted(): PartyView[] {
    return (this.status?.parties ?? []).filter((party) => party.hosted)
  }

  get nodeId(): string {
    return this.status?.node ?? ''
  }

  /**
   * A party's, group's or line's name in the language of the page; its id where it has none. A party and a group may
   * have one id: `groups` says that a group is meant.
   */
  nameOf(id: string, groups = false): string {
    const [parties, moving]: { id: string; name: Name }[][] = [this.status?.parties ?? [], this.picture?.groups ?? []]
    const named = groups ? [...moving!, ...parties!] : [...parties!, ...moving!]
    return [...named, ...this.lines].find((one) => one.id === id)?.name[tongue.lang] ?? id
  }

  /** "coalition: duty officer" with the party's name. */
  takerOf(text: string): string {
    const [party, ...role] = text.split(': ')
    return [this.nameOf(party ?? ''), ...role].join(tongue.lang === 'ar' ? '، ' : ', ')
  }

  async start(): Promise<void> {
    takeToken()
    setInterval(() => this.#tick(), 1000)
    setInterval(() => void this.#askStatus(), STATUS_EVERY_MS)
    await this.open()
  }

  async useToken(text: string): Promise<void> {
    keepToken(text.trim())
    await this.open()
  }

  async open(): Promise<void> {
    if (!(await this.#askStatus())) return
    const stored = localStorage.getItem(STORED_PARTY)
    const known = this.hosted.some((party) => party.id === stored)
    this.choose(known && stored !== null ? stored : (this.hosted[0]?.id ?? WHOLE_NODE))
    await this.#askPhrases()
    void api.timeline({ party: null, limit: 1 }).then((first) => (this.firstEntryAt = first[0]?.recorded_at ?? null), () => {})
    await this.turn()
    this.#stop.abort()
    this.#stop = new AbortController()
    const after = this.status && this.status.size > 0 ? String(this.status.size - 1) : null
    void listen('/api/events', token(), after, this.#stop.signal, {
      onMessage: (message) => {
        try {
          this.latest = JSON.parse(message.data) as ActView
        } catch {
          return // a keep-alive or a message of a newer node
        }
        void this.refresh()
      },
      onState: (connected) => {
        const back = connected && !this.connected
        this.connected = connected
        if (back) void this.refresh()
      },
    })
  }

  choose(party: string): void {
    this.party = party
    localStorage.setItem(STORED_PARTY, party)
    this.role = sessionStorage.getItem(STORED_ROLE + party) ?? this.#onWatch(party)
  }

  speakAs(role: string): void {
    this.role = role
    sessionStorage.setItem(STORED_ROLE + this.party, role)
  }

  #onWatch(party: string): string {
    for (const line of this.status?.lines ?? []) {
      const role = line.members.find((member) => member.party === party)?.on_watch[0]
      if (role) return role
    }
    return ''
  }

  /** Asks for what is shown now, at once: another area, thread, party or instant was chosen. */
  async turn(): Promise<void> {
    this.thread = this.thread?.id === route.place.item ? this.thread : null
    this.threadGone = false
    await this.#load()
  }

  /** Asks again because something was recorded. Calls that come while one runs are gathered into one more. */
  async refresh(): Promise<void> {
    if (this.#busy) {
      this.#again = true
      return
    }
    this.#busy = true
    try {
      do {
        this.#again = false
        await this.#load()
        if (this.#again) await new Promise((wake) => setTimeout(wake, LEAST_PAUSE_MS))
      } while (this.#again)
    } finally {
      this.#busy = false
    }
  }

  /**
   * Each answer is shown as it comes. The picture is the dearest question: away from the map it is asked only when the
   * party or the instant is another.
   */
  async #load(): Promise<void> {
    if (!this.status) return
    const turn = ++this.#turn
    const eye = this.eye
    const { area, item } = route.place
    const view = `${eye.party ?? ''} ${eye.at ?? ''}`
    let trouble: string | null = null
    const part = async <T>(asked: Promise<T>, show: (answer: T) => void): Promise<void> => {
      try {
        const answer = await asked
        if (turn === this.#turn) show(answer)
      } catch (error) {
        // One question the node cannot answer leaves the others standing: the old answer stays, and the fault is said.
        if (!(error instanceof Refusal) || error.status === 401) throw error
        trouble = error.message
      }
    }
    this.loading = view !== this.#shown
    try {
      await Promise.all([
        this.#askStatus(),
        part(api.threads(eye), (threads) => (this.threads = threads)),
        part(api.lines(eye), (lines) => (this.lines = lines)),
        area === 'statements' && part(api.statements(eye), (statements) => (this.statements = statements)),
        area === 'threads' && item && part(api.thread(item, eye).catch(goneAsNull), (thread) => {
          this.thread = thread
          this.threadGone = thread === null
        }),
        (area === 'map' || view !== this.#shown) && part(api.picture(eye), (picture) => (this.picture = picture)),
      ])
      if (turn !== this.#turn) return
      this.#shown = view
      this.loading = false
      this.trouble = trouble
      this.connected = true
      this.loaded = true
    } catch (error) {
      this.#failed(error)
    }
  }

  async #askStatus(): Promise<boolean> {
    try {
      const status = await api.status()
      const [node, here] = [Date.parse(status.now), performance.now()]
      // A story may be played faster than life: the node's own clock says how fast.
      if (this.#anchor && here - this.#anchor.here > 1000) {
        const rate = (node - this.#anchor.node) / (here - this.#anchor.here)
        this.#rate = Math.abs(rate - 1) < 0.2 ? 1 : Math.max(0, rate)
        this.#anchor = { node, here }
      }
      this.#anchor ??= { node, here }
      this.status = status
      this.needToken = false
      this.connected = true
      this.#tick()
      return true
    } catch (error) {
      this.#failed(error)
      return false
    }
  }

  async #askPhrases(): Promise<void> {
    try {
      const [en, ar] = await Promise.all(LANGS.map((lang) => api.phrases(lang)))
      if (en && ar) tongue.others = { en, ar }
    } catch {
      // The page's own words are enough to go on.
    }
  }

  #tick(): void {
    if (!this.#anchor) return
    this.nodeNow = new Date(this.#anchor.node + (performance.now() - this.#anchor.here) * this.#rate)
  }

  #failed(error: unknown): void {
    if (error instanceof Refusal && error.status === 401) {
      this.tokenWrong = token() !== ''
      this.needToken = true
      forgetToken()
    } else {
      this.connected = false
    }
  }
}

function goneAsNull(error: unknown): null {
  if (error instanceof Refusal && (error.status === 404 || error.status === 400)) return null
  throw error
}

export const desk = new Desk()

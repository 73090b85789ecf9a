import { expect, it } from 'vitest'
import { newDraft } from '../src/api.ts'

it('gives each act a number of its own, as the node takes it', () => {
  const drafts = Array.from({ length: 1000 }, newDraft)
  expect(drafts.filter((draft) => !/^[0-9a-f]{32}$/.test(draft))).toEqual([])
  expect(new Set(drafts).size).toBe(1000)
})

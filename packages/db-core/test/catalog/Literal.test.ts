import { describe, expect } from "vitest"
import { literal } from "../../src/catalog/Literal.ts"
import { situation } from "./support.ts"

describe("literals", () => {
  situation("are read as they were written", async ({ rows }) => {
    for (const text of ["plain", "it's", "back\\slash", "both '\\'", ""]) {
      expect(await rows({ name: "literal", sql: () => `select ${literal(text)}::text as text` })).toEqual([{ text }])
    }
  })
})

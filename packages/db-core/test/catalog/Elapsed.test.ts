import { describe, expect, it } from "vitest"
import { inWords } from "../../src/catalog/Elapsed.ts"

describe("elapsed time", () => {
  it("is said in the largest unit of which there are two", () => {
    expect([0, 999, 1999, 2000, 119_999, 120_000, 7_199_999, 7_200_000, 172_800_000, 172_799_999].map(inWords)).toEqual(
      [
        "0 ms",
        "999 ms",
        "1999 ms",
        "2 s",
        "119 s",
        "2 min",
        "119 min",
        "2 h",
        "2 days",
        "47 h"
      ]
    )
  })
})

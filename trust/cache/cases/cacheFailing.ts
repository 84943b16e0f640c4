/** g: the store of the cache fails. */
import { type Case, column, expect } from "./Case.ts"
import { readT, setT } from "./queries.ts"
import type { Stage } from "./Stage.ts"
import type { Contestant } from "./Subject.ts"

/** Ours keeps its entries in its own memory. */
const notFor = ({ name, ours }: Contestant): string | undefined =>
  ours ? "nothing that can fail" : name === "no cache" ? "it has none" : undefined

const read = async (stage: Stage, when: "get" | "put"): Promise<void> => {
  stage.subject.failStore?.(when)
  expect("the database answers", column(await stage.subject.read(readT())), [1])
}

export const cacheFailing: ReadonlyArray<Case> = [
  { id: "g1", name: "get fails, the database would answer", notFor, run: (stage) => read(stage, "get") },
  { id: "g2", name: "put fails, the database has answered", notFor, run: (stage) => read(stage, "put") },
  {
    id: "g3",
    name: "invalidating fails after the write is committed: its caller must not take it for a failure",
    notFor,
    run: async (stage) => {
      stage.subject.failStore?.("invalidate")
      const told = await stage.subject.write(setT(2)).then(() => "done", () => "failed")
      // A failure may be told before the statement has ended.
      await stage.sleep(100)
      const [row] = await stage.outsider("select v from t where id = 1")
      expect("what its caller is told", told, row?.["v"] === 2 ? "done" : "failed")
    }
  }
]

import { type IndexColumn, type IndexQuery, indexReport } from "@ems/db-core/catalog/IndexReport"
import { Maintenance } from "@ems/db-core/maintenance/Maintenance"
import { type Index, Indexes } from "@ems/schema/contract/Indexes"
import { IndexVerification } from "@ems/schema/contract/IndexVerification"
import { MaintenancePlan } from "@ems/schema/contract/Maintenance"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Findings } from "../Findings.ts"
import { bytes, count, print, shortFigure } from "../Output.ts"
import { screen } from "../Screen.ts"
import { table } from "../Table.ts"
import { type ListFlags, printPage, queryOf } from "./List.ts"
import { answer, type SourceFlags } from "./Source.ts"

type IndexListFlags = ListFlags<IndexColumn> & {
  readonly finding: Option.Option<NonNullable<IndexQuery["finding"]>>
}

/** Less is not worth a word: estimates are off by as much. */
const leastWasted = 0.3

const findingsOf = ({ bloat, invalid, redundant, unused }: Index): string =>
  [
    ...(invalid === null ? [] : ["invalid"]),
    ...(redundant === null ? [] : [`${redundant.kind} of ${redundant.keep}`]),
    ...(unused === null ? [] : [unused.unusedDays < 1 ? "unused" : `unused for ${Math.floor(unused.unusedDays)} d`]),
    ...(bloat?.wastedShare == null || bloat.wastedShare < leastWasted
      ? []
      : [`${Math.round(bloat.wastedShare * 100)} % wasted`])
  ].join(", ")

export const runIndexList = Effect.fn("emsdb.indexes.list")(function*({ finding, ...flags }: IndexListFlags) {
  const query = { ...queryOf(flags), finding: Option.getOrUndefined(finding) }
  const page: Indexes = yield* answer(flags, { contract: Indexes, path: "api/db/indexes", query }, indexReport(query))
  yield* printPage(Indexes, page, {
    json: flags.json,
    empty: Option.match(finding, { onNone: () => "there are no indexes", onSome: (found) => `no index is ${found}` }),
    rows: table(page.items, [
      { name: "index", of: ({ name, schema }) => `${schema}.${name}` },
      { name: "size", of: ({ bytes: size }) => bytes(size), align: "right" },
      { name: "scans", of: ({ scans }) => shortFigure(scans), align: "right" },
      { name: "writes", of: ({ writes }) => shortFigure(writes), align: "right" },
      { name: "kept for", of: ({ keep }) => keep.join(", "), shrinksTo: 8 },
      { name: "findings", of: findingsOf, shrinksTo: 12 }
    ], yield* screen)
  })
})

type Verified = IndexVerification["indexes"][number]

const verifiedLines = ({ actual, expected, name, schema, state }: Verified): ReadonlyArray<string> => {
  const index = `index ${schema}.${name}`
  switch (state) {
    case "present":
      return []
    case "missing":
      return [`${index}: MISSING`, `  defined: ${expected}`]
    case "invalid":
      return [`${index}: INVALID, its build was interrupted and no query uses it`]
    case "drifted":
      return [`${index}: not as defined`, `  is: ${actual}`, `  defined: ${expected}`]
    case "extra":
      return [`${index}: not in the catalog`]
    case "building":
      return [`${index}: another session is building it`]
  }
}

interface VerifyFlags extends SourceFlags {
  readonly json: boolean
}

export const runIndexVerify = Effect.fn("emsdb.indexes.verify")(function*({ json, ...source }: VerifyFlags) {
  const { indexes, notes }: Pick<MaintenancePlan, "indexes" | "notes"> = yield* answer(
    source,
    {
      contract: MaintenancePlan,
      method: "POST",
      path: "api/db/maintenance",
      body: { action: "createIndexes", dryRun: true }
    },
    Maintenance.use(({ plan }) => plan({ action: "createIndexes" }))
  )
  const inState = (wanted: Verified["state"]) => indexes.filter(({ state }) => state === wanted).length
  const summary = {
    present: inState("present"),
    missing: inState("missing"),
    invalid: inState("invalid"),
    drifted: inState("drifted"),
    extra: inState("extra"),
    building: inState("building")
  }
  const wrong = summary.missing + summary.invalid + summary.drifted
  yield* print(IndexVerification, { indexes, summary, notes }, {
    json,
    lines: [
      ...indexes.flatMap(verifiedLines),
      ...notes,
      `${count(summary.present, "index", "indexes")} as defined, ${wrong} not${
        wrong === 0 ? "" : "; emsdb indexes create mends it"
      }`
    ]
  })
  // What could not be compared is not known to be as defined.
  if (wrong > 0 || notes.length > 0) return yield* new Findings({ verdict: "findings" })
})

/** What is stored: tables, their room and growth, indexes that something speaks against. */
import type { Index } from "@ems/schema/contract/Indexes"
import type { Report, ReportIndexes } from "@ems/schema/contract/Report"
import type { Space } from "@ems/schema/contract/Space"
import type { Tables } from "@ems/schema/contract/Tables"
import { bytes, percent, shortFigure } from "../../Output.ts"
import { type Html, html } from "../Html.ts"
import { against } from "../parts/storage.ts"
import { pageTable, section } from "../Section.ts"

type Activity = NonNullable<Tables["items"][number]["activity"]>

/** Nothing where nobody counted: 0 would be something else. */
const counted = (of: (activity: Activity) => number) => ({ activity }: Tables["items"][number]): string | null =>
  activity === null ? null : shortFigure(of(activity))

export const tables = ({ parts }: Report): Html =>
  section(
    "tables",
    parts.tables,
    (page) =>
      pageTable(page, { caption: "Tables, the largest first", empty: "There are no tables." }, [
        { name: "Table", of: ({ schema, table }) => `${schema}.${table}` },
        { name: "Size", of: ({ totalBytes }) => bytes(totalBytes), isRight: true },
        { name: "Rows", of: ({ rows }) => rows === null ? null : shortFigure(rows), isRight: true },
        { name: "Seq scans", of: counted(({ sequentialScans }) => sequentialScans), isRight: true },
        { name: "Index scans", of: counted(({ indexScans }) => indexScans), isRight: true },
        { name: "Inserts", of: counted(({ inserts }) => inserts), isRight: true },
        { name: "Updates", of: counted(({ updates }) => updates), isRight: true },
        { name: "Deletes", of: counted(({ deletes }) => deletes), isRight: true },
        { name: "Dead rows", of: counted(({ deadRows }) => deadRows), isRight: true },
        { name: "Vacuumed", of: ({ activity }) => activity?.lastVacuum?.slice(0, 10), isRight: true },
        { name: "Analyzed", of: ({ activity }) => activity?.lastAnalyze?.slice(0, 10), isRight: true }
      ])
  )

const growth = (bytesPerDay: number | null): string | null => bytesPerDay === null ? null : `${bytes(bytesPerDay)}/d`

const database = ({ database }: Space): Html | null =>
  database === null ?
    null :
    html`<p>The database has ${bytes(database.bytes)}${
      database.bytesPerDay === null
        ? "; how fast it grows is not known"
        : ` and grows by ${growth(database.bytesPerDay)}`
    }.</p>
`

export const space = ({ parts }: Report): Html =>
  section("space", parts.space, (page) => [
    database(page),
    pageTable(page, { caption: "Tables, the largest first", empty: "There are no tables." }, [
      { name: "Table", of: ({ schema, table }) => `${schema}.${table}` },
      { name: "Total", of: ({ totalBytes }) => bytes(totalBytes), isRight: true },
      { name: "Rows", of: ({ heapBytes }) => bytes(heapBytes), isRight: true },
      { name: "Indexes", of: ({ indexBytes }) => bytes(indexBytes), isRight: true },
      { name: "TOAST", of: ({ toastBytes }) => bytes(toastBytes), isRight: true },
      { name: "Growth", of: ({ bytesPerDay }) => growth(bytesPerDay), isRight: true },
      {
        name: "Wasted",
        of: ({ bloat }) =>
          bloat?.wastedBytes == null || bloat.wastedShare === null
            ? null
            : `${bytes(Math.round(bloat.wastedBytes))}, ${percent(bloat.wastedShare)}`,
        isRight: true
      }
    ])
  ])

const reasons = (index: Index): string => {
  const is = against(index)
  return [
    ...(is.invalid ? ["invalid: its build was not finished"] : []),
    ...(is.redundant && index.redundant !== null ? [`${index.redundant.kind} of ${index.redundant.keep}`] : []),
    ...(is.unused && index.unused !== null ? [`unused for ${index.unused.unusedDays.toFixed(1)} d`] : []),
    ...(is.bloated && index.bloat?.wastedShare != null ? [`${percent(index.bloat.wastedShare)} wasted`] : [])
  ].join("; ")
}

const summary = ({ counts: { bloated, invalid, redundant, unused } }: ReportIndexes): Html =>
  html`<p>${invalid} invalid, ${redundant} redundant, ${unused} unused, ${bloated} bloated.</p>
`

export const indexes = ({ parts }: Report): Html =>
  section("indexes", parts.indexes, (page) => [
    page.unavailable === null ? summary(page) : null,
    pageTable(page, {
      caption: "Indexes that something speaks against: invalid, redundant, unused, bloated",
      empty: "Nothing speaks against any of them."
    }, [
      { name: "Index", of: ({ name, schema }) => `${schema}.${name}`, isWide: true },
      { name: "Table", of: ({ table }) => table },
      { name: "Why", of: reasons, isWide: true },
      { name: "Size", of: ({ bytes: size }) => bytes(size), isRight: true },
      { name: "Scans", of: ({ scans }) => shortFigure(scans), isRight: true },
      { name: "Writes", of: ({ writes }) => shortFigure(writes), isRight: true },
      { name: "Kept for", of: ({ keep }) => keep.join(", ") }
    ])
  ])

/** What keeps a database well: VACUUM, transaction ids, settings, migrations. */
import type { Report } from "@ems/schema/contract/Report"
import type { Vacuum } from "@ems/schema/contract/Vacuum"
import { bytes, elapsed, figure, instant, percent, shortFigure } from "../../Output.ts"
import { type Html, html, type Piece } from "../Html.ts"
import { dataTable, pageTable, section } from "../Section.ts"

const moment = (iso: string | null): string | null => iso === null ? null : instant(iso)

const holders = ({ horizon }: Vacuum): Piece =>
  horizon.length === 0 ? null : dataTable("Who keeps dead rows from being removed, the oldest first", horizon, [
    { name: "Holder", of: ({ kind, name }) => `${kind} ${name}` },
    { name: "Database", of: ({ database, isElsewhere }) => `${database ?? "–"}${isElsewhere ? ", another one" : ""}` },
    { name: "Detail", of: ({ detail }) => detail },
    { name: "Transactions since", of: ({ age }) => figure(age), isRight: true },
    { name: "Held for", of: ({ heldMs }) => heldMs === null ? null : elapsed(heldMs), isRight: true }
  ])

const wraparound = ({ wraparound }: Vacuum): Piece =>
  wraparound.length === 0 ? null : dataTable("Room until transaction ids run out, the least first", wraparound, [
    {
      name: "Of",
      of: ({ isToast, name, schema }) =>
        `${schema === null ? "database " : `${schema}.`}${name}${isToast ? " (TOAST)" : ""}`
    },
    { name: "Transactions since", of: ({ xidAge }) => figure(xidAge), isRight: true },
    { name: "Of the way", of: ({ xidShare }) => percent(xidShare), isRight: true },
    { name: "Multixacts since", of: ({ multixactAge }) => figure(multixactAge), isRight: true },
    { name: "Of the way", of: ({ multixactShare }) => percent(multixactShare), isRight: true },
    { name: "Writes stop", of: ({ stopsAt }) => moment(stopsAt), isRight: true }
  ])

export const vacuum = ({ parts }: Report): Html =>
  section("vacuum", parts.vacuum, (page) => [
    pageTable(page, {
      caption: "Tables, those with the most dead rows for their limit first",
      empty: "There are no tables."
    }, [
      { name: "Table", of: ({ isToast, schema, table }) => `${schema}.${table}${isToast ? " (TOAST)" : ""}` },
      {
        name: "State",
        of: ({ isEnabled, phase, state }) => `${phase ?? state}${isEnabled ? "" : ", autovacuum is off"}`
      },
      { name: "Size", of: ({ bytes: size }) => bytes(size), isRight: true },
      { name: "Dead rows", of: ({ deadRows }) => shortFigure(deadRows), isRight: true },
      { name: "VACUUM above", of: ({ deadLimit }) => shortFigure(deadLimit), isRight: true },
      { name: "Modified", of: ({ modifiedRows }) => shortFigure(modifiedRows), isRight: true },
      {
        name: "ANALYZE above",
        of: ({ analyzeLimit }) => analyzeLimit === null ? null : shortFigure(analyzeLimit),
        isRight: true
      },
      { name: "Vacuumed", of: ({ lastVacuumAt }) => lastVacuumAt?.slice(0, 10), isRight: true },
      { name: "Due", of: ({ vacuumAt }) => moment(vacuumAt), isRight: true }
    ]),
    holders(page),
    wraparound(page)
  ])

export const settings = ({ parts }: Report): Html =>
  section("settings", parts.settings, (page) =>
    pageTable(page, { caption: "Settings", empty: "None." }, [
      { name: "Setting", of: ({ name }) => name },
      { name: "Now", of: ({ source, summary }) => `${summary}${source === null ? "" : ` (${source})`}` },
      { name: "What follows", of: ({ impact }) => impact },
      {
        name: "Change",
        of: ({ remediation }) => remediation === null ? null : html`<pre>${remediation}</pre>`,
        isWide: true
      }
    ]))

export const migrations = ({ parts }: Report): Html =>
  section("migrations", parts.migrations, (page) => [
    page.unavailable === null
      ? html`<p>${page.counts.applied} applied, ${page.counts.pending} pending, ${page.counts.begun} begun, ${page.counts.edited} edited since, ${page.counts.missing} without a file.</p>
`
      : null,
    pageTable(page, {
      caption: "Migrations, those that need attention first, then the latest",
      empty: "There are none."
    }, [
      { name: "Migration", of: ({ name }) => name },
      {
        name: "State",
        of: ({ isBegun, isEdited, isMissing, state }) =>
          [
            state,
            ...(isBegun ? ["begun"] : []),
            ...(isEdited ? ["edited since"] : []),
            ...(isMissing ? ["its file is gone"] : [])
          ].join(", ")
      }
    ])
  ])

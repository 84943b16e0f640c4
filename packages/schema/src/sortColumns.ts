/**
 * What lists can be sorted by, in requests and on the command line. Apart from the contracts: a command's help must not
 * load Effect Schema.
 */
export const tableColumns = [
  "total",
  "rows",
  "sequentialScans",
  "indexScans",
  "inserts",
  "updates",
  "deletes",
  "deadRows"
] as const

export const spaceColumns = ["total", "heap", "indexes", "toast", "rows", "growth", "wasted"] as const

export const blockingColumns = ["victims", "waited"] as const

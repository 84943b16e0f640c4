/** Texts in the SQL that findings offer, as Postgres reads them whatever `standard_conforming_strings` says. */
export const literal = (text: string): string =>
  text.includes("\\")
    ? `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`

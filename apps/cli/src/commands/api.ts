import * as Flag from "effect/cli/Flag"
import { apiUrl } from "../api/ApiUrl.ts"

/** What `--api` is told when it is something else. */
export const expected = "Expected the address of an API such as https://ems.example.org, and no password in it"

export const api = Flag.String("api").pipe(
  Flag.withMetavar("<url>"),
  Flag.withDescription("Ask this API instead of the database, with the token in EMS_API_TOKEN"),
  Flag.filterMap(apiUrl, () => expected),
  Flag.optional
)

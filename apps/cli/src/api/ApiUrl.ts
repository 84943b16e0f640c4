/** Where an API is, as `--api` takes it. */
import * as Option from "effect/Option"

/** Nothing when it is no address of a server: with a password in it, a query, or another protocol. */
export const apiUrl = (text: string): Option.Option<URL> => {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return Option.none()
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === ""
  if (!isPlain) return Option.none()
  // What is below a path, such as a gateway's, stays below it.
  if (!url.pathname.endsWith("/")) url.pathname += "/"
  return Option.some(url)
}

// node check.mjs DOCUMENT: prints the parser's findings as one JSON list; 0 when none of them is an error.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
console.log(
  JSON.stringify(
    diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("."), severity })),
  ),
);
process.exit(document && diagnostics.every((found) => found.severity > ERROR) ? 0 : 1);

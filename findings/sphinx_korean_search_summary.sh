#!/usr/bin/env bash
# Sphinx 9.0.4's search says how many pages it has found, in Korean the empty string: the sentence is not translated, and
# what is not translated and has a plural is given to the browser as [""], which counts as a translation. In English it
# is not in the table, so that the sentence itself is shown. docs/locales/ko/LC_MESSAGES/sphinx.js has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sphinx==9.0.4
mkdir "$folder/source"
touch "$folder/source/conf.py"
printf 'Example\n=======\n' >"$folder/source/index.rst"
"$folder/venv/bin/sphinx-build" -q -D language=ko "$folder/source" "$folder/ko"
cat >"$folder/ask.js" <<'JS'
const fs = require("fs");
const read = (name) => fs.readFileSync(`${process.argv[2]}/_static/${name}`, "utf-8");
const document = { addEventListener() {}, readyState: "loading" };
new Function("document", "window", `${read("doctools.js")}
${read("translations.js")}
const said = Documentation.ngettext(
  "Search finished, found one page matching the search query.",
  "Search finished, found \${resultCount} pages matching the search query.", 3);
console.log(JSON.stringify(said));`)(document, {});
JS
seen=$(node "$folder/ask.js" "$folder/ko")
echo "$seen"
[ "$seen" = '""' ] || { echo 'this has changed; expected: ""'; exit 1; }

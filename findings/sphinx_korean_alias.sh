#!/usr/bin/env bash
# Sphinx 9.0.4's own Korean words are wrong reStructuredText: autodoc's "alias of %s" is "%s의 별칭", where the particle
# stands right behind the reference and so keeps it from ending. A page that documents an alias builds in English, and
# warns in Korean. docs/locales/ko/LC_MESSAGES/sphinx.po puts a mark between the two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sphinx==9.0.4
mkdir "$folder/source"
cat >"$folder/source/example.py" <<'PYTHON'
class Convolution:
    """A layer."""


Conv = Convolution
PYTHON
echo 'extensions = ["sphinx.ext.autodoc"]' >"$folder/source/conf.py"
printf 'Example\n=======\n\n.. automodule:: example\n   :members:\n   :undoc-members:\n' >"$folder/source/index.rst"
seen=$(for language in en ko; do
  PYTHONPATH="$folder/source" LC_ALL=C.UTF-8 "$folder/venv/bin/sphinx-build" -q -D "language=$language" \
    "$folder/source" "$folder/$language" 2>"$folder/warnings" || true
  echo "$language: $(grep -c 'start-string without end-string' "$folder/warnings" || true) warnings"
done)
echo "$seen"
expected=$'en: 0 warnings\nko: 1 warnings'
[ "$seen" = "$expected" ] || { echo "this has changed; expected: $expected"; exit 1; }

"""Search in Korean: index and query are split where a particle or an ending begins, so that a noun is found with any.

Sphinx keeps words as they stand between spaces. A noun with its subject's particle and the same noun with its object's
are then two words, and who asks for the noun alone finds neither, unless it is so long that parts are searched. Here a
Korean word loses one particle or verbal ending, the longest that leaves enough of it, in the index and, by the same
rule, in the query. What is lost of words that only look as if they ended so is lost in both, so they are found as well.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# What ends a word of one syllable, too; the others leave two.
CERTAIN = "을 를 은 는 의 에 에서 으로 마다"
PARTICLES = """
    이 가 도 만 와 과 로 나 란 든 요 들 뿐 인 일 적
    에게 에는 에도 에만 에서는 에서도 에서의 에서부터 으로는 으로도 으로의 으로서 으로써 으로부터
    로는 로도 로의 로서 로써 로부터 까지 까지는 까지의 부터 부터는 조차 처럼 만큼 만큼의 보다 보다는
    밖에 뿐만 대로 끼리 이나 이란 이든 이며 이고 이다 이라 이라고 이라는 이라면 라고 라는 라면
    인데 이므로 이지만 입니다 이었다 였다 만으로 만을 만이 들은 들이 들을 들의 들과 들에
    적인 적으로 적이다
"""
VERBS = """
    하다 한다 하는 하면 하여 하여도 하고 하지 하지만 하지는 하므로 하며 하면서 하자 하라 하기 하려면
    한 할 함 해 해서 해도 했다 하였다 합니다
    되다 된다 되는 되면 되어 되고 되지 되지만 되므로 되며 되기 된 될 됨 돼 됐다 되었다 됩니다
    시키다 시킨다 시키는 시키면 시키고 시켜 시킨 시킬
"""
LEAST = dict.fromkeys((PARTICLES + VERBS).split(), 2) | dict.fromkeys(CERTAIN.split(), 1)
# From the longest, each with the number of syllables that it must leave.
ENDINGS = sorted(LEAST.items(), key=lambda entry: (-len(entry[0]), entry[0]))
WORD = re.compile(r"[가-힣]+|[^\W가-힣]+")

# The same in JavaScript, for the query. Sphinx calls it by this name.
SPLITTER = """
var koreanEndings = ENDINGS;
function splitQuery(query) {
  return (query.match(/[가-힣]+|(?:(?![가-힣])[\\p{L}\\p{N}_])+/gu) || []).map(function (word) {
    var found = koreanEndings.find(function (entry) {
      return word.endsWith(entry[0]) && word.length - entry[0].length >= entry[1];
    });
    return found ? word.slice(0, word.length - found[0].length) : word;
  });
}
""".replace("ENDINGS", json.dumps(ENDINGS, ensure_ascii=False))


def split(text: str) -> list[str]:
    """The words without their endings.

    >>> split("합성곱은 1×1 필터를 학습합니다.")
    ['합성곱', '1', '1', '필터', '학습']
    """
    return [stem(word) for word in WORD.findall(text)]


def stem(word: str) -> str:
    for ending, least in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    return word


def setup(app: Sphinx) -> dict[str, object]:
    from sphinx.search import SearchLanguage

    class SearchKorean(SearchLanguage):
        lang = "ko"
        language_name = "Korean"
        js_splitter_code = SPLITTER

        def split(self, input: str) -> list[str]:
            return split(input)

        def stem(self, word: str) -> str:
            return word.lower()

    app.add_search_language(SearchKorean)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

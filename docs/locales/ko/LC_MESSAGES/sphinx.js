Documentation.addTranslations({
    "locale": "ko",
    "plural_expr": "0",
    "messages": {
        ", in ": ", 문서: ",
        "Hide Search Matches": "검색어 강조 숨기기",
        "Preparing search...": "검색 준비 중…",
        "Search": "검색",
        "Search Page": "검색",
        "Search Results": "검색 결과",
        "Search finished, found one page matching the search query.": ["검색어를 찾은 쪽: ${resultCount}"],
        "Searching": "검색 중",
        "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.": "검색어를 찾은 쪽이 없습니다. 철자를 확인해 보십시오."
    }
});

//! JSON with comments and commas at the end, as wrangler takes `wrangler.json` and `wrangler.jsonc`.

/// The same as plain JSON: comments are blank, so that what is wrong stands where it stood.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(c) = rest.chars().next() {
        let (length, is_blank) = match c {
            '"' => (string(rest), false),
            '/' if rest.starts_with("//") => (rest.find(['\r', '\n']).unwrap_or(rest.len()), true),
            '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |end| end + 2), true),
            _ => (c.len_utf8(), false),
        };
        let (token, behind) = rest.split_at(length);
        if is_blank {
            plain.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            if matches!(token, "}" | "]") {
                drop_comma(&mut plain);
            }
            plain.push_str(token);
        }
        rest = behind;
    }
    plain
}

/// The length of the string that `text` begins with, quotes and all.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

/// The comma behind the last member. One that follows nothing is left to be refused.
fn drop_comma(plain: &mut String) {
    let kept = plain.trim_end();
    let before = kept.strip_suffix(',').map(str::trim_end);
    if before.is_some_and(|before| !before.ends_with(['[', '{', ','])) {
        let at = kept.len() - 1;
        plain.replace_range(at..=at, " ");
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn as_wrangler_reads_it() {
        for (text, expected) in [
            ("{\"a\": 1}", "{\"a\": 1}"),
            ("{\"a\": 1, // one\n}", "{\"a\": 1        \n}"),
            ("/* a\n b */{}", "    \n     {}"),
            ("{\"a\": [1, 2, ], }", "{\"a\": [1, 2  ]  }"),
            ("{\"a\": \"// no, /* no */ ,}\"}", "{\"a\": \"// no, /* no */ ,}\"}"),
            ("{\"a\\\"//\": \"\\\\\"} // b", "{\"a\\\"//\": \"\\\\\"}     "),
            ("{\"a\": \"ü\" /* ü */}", "{\"a\": \"ü\"        }"),
            ("\u{feff}{}", "{}"),
            ("[,]", "[,]"),
            ("[1,,]", "[1,,]"),
            ("{\"a", "{\"a"),
            ("/* {}", "     "),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}

//! `.dev.vars`: names and values as wrangler reads them there, that is, as npm's `dotenv` does.

/// Every name with its value; of a name that comes twice the last one counts, so they are in order.
pub(crate) fn parse(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (entry, after) = entry(rest);
        found.extend(entry);
        rest = after;
    }
    found
}

/// The text with these entries in the place of those of the same names; the name of one that can't be written so that it
/// is read again as it was.
pub(crate) fn with<'n>(text: &str, new: &[(&'n str, &str)]) -> Result<String, &'n str> {
    let mut kept = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (entry, after) = entry(rest);
        let is_replaced = entry.is_some_and(|(name, _)| new.iter().any(|(other, _)| *other == name));
        let written = rest.strip_suffix(after).unwrap_or(rest);
        kept.push_str(if is_replaced { "" } else { written });
        rest = after;
    }
    if !kept.is_empty() && !kept.ends_with('\n') {
        kept.push('\n');
    }
    for (name, value) in new {
        kept.push_str(&line(name, value).ok_or(*name)?);
    }
    Ok(kept)
}

/// An entry in the quotes that its value lets through.
fn line(name: &str, value: &str) -> Option<String> {
    let lines = ["'", "`", "\"", ""].map(|quote| format!("{name}={quote}{value}{quote}\n"));
    lines.into_iter().find(|line| parse(line) == [(name.to_owned(), value.to_owned())])
}

/// The entry that the next line begins, if it is one, and what comes behind it.
fn entry(text: &str) -> (Option<(String, String)>, &str) {
    let line = text.trim_start();
    let line = line.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])).unwrap_or(line).trim_start();
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c))).unwrap_or(line.len());
    let (name, after) = line.split_at(end);
    let value = match after.trim_start_matches([' ', '\t']).strip_prefix('=') {
        Some(value) => Some(value),
        None => after.strip_prefix(": "),
    };
    match value.filter(|_| !name.is_empty()) {
        Some(value) => {
            let (value, rest) = value_of(value.trim_start_matches([' ', '\t']));
            (Some((name.to_owned(), value)), rest)
        }
        None => (None, next_line(line)),
    }
}

/// A value in quotes may have several lines and `#`; one without ends there.
fn value_of(text: &str) -> (String, &str) {
    if let Some(quote) = text.chars().next().filter(|c| "'\"`".contains(*c))
        && let Some((inside, rest)) = quoted(text, quote)
    {
        let unescaped = if quote == '"' { inside.replace("\\n", "\n").replace("\\r", "\r") } else { inside.to_owned() };
        return (unescaped, next_line(rest));
    }
    let end = text.find(['#', '\r', '\n']).unwrap_or(text.len());
    let (value, rest) = text.split_at(end);
    (value.trim().to_owned(), next_line(rest))
}

/// What stands between quotes, when nothing but a comment follows on the line.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let inside = text.strip_prefix(quote)?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if c == quote && !escaped {
            let (value, rest) = inside.split_at(at);
            let rest = rest.strip_prefix(quote)?;
            let behind = rest.trim_start_matches([' ', '\t', '\r']);
            return (behind.is_empty() || behind.starts_with(['#', '\n'])).then_some((value, rest));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn next_line(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::{parse, with};

    #[test]
    fn what_is_written_is_read() {
        for value in ["plain", "it's", "`it's`", "a#b", "a\\", "\"a\"\\nb", "two\nlines", "'\"`", " a ", "a=b", "$A"] {
            let text = with("", &[("A", value)]).unwrap_or_else(|_| panic!("{value}"));
            assert_eq!(parse(&text), [("A".to_owned(), value.to_owned())], "{text}");
        }
        assert_eq!(with("", &[("A", "'\"`#")]), Err("A"));
    }

    #[test]
    fn what_is_not_replaced_stays_as_it_was() {
        let old = "# mine\nA=\"one\ntwo\"\nB='x\nA=inside\n'\n\nexport A = 3 # old\nlast";
        assert_eq!(with(old, &[("A", "new")]).unwrap(), "# mine\nB='x\nA=inside\n'\nlast\nA='new'\n");
    }

    #[test]
    fn as_dotenv_reads_them() {
        // Each expectation is what npm's dotenv 17 says of the same text.
        for (text, expected) in [
            ("A=1\nB = two words \n", &[("A", "1"), ("B", "two words")][..]),
            ("# no\n\nA=1 # yes\n  export B=2", &[("A", "1"), ("B", "2")]),
            (r#"A="a\nb # c" # d"#, &[("A", "a\nb # c")]),
            (r"A='a\nb'", &[("A", r"a\nb")]),
            ("A=`it's`\r\nB=\"\"\r\n", &[("A", "it's"), ("B", "")]),
            ("A=\"two\nlines\"\nB=1", &[("A", "two\nlines"), ("B", "1")]),
            (r#"A={"web": {"client_id": "x"}}"#, &[("A", r#"{"web": {"client_id": "x"}}"#)]),
            ("A=\nB=1", &[("A", ""), ("B", "1")]),
            ("A: 1\nnonsense\nB=1", &[("A", "1"), ("B", "1")]),
            ("A=1\nA=2", &[("A", "1"), ("A", "2")]),
            ("=1\n-\nexport=2", &[("export", "2")]),
            ("", &[]),
        ] {
            let found = parse(text);
            let found: Vec<(&str, &str)> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}

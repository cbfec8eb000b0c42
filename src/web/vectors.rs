//! Reads the data files of `tests/vectors`.

/// The rows of a file, each split at tabs. A field that starts with a quotation mark is a JSON string; blank lines and
/// those that start with `#` are left out. Panics when there are fewer than `at_least`, or two that are the same.
pub(crate) fn rows<const N: usize>(text: &str, at_least: usize) -> Vec<[String; N]> {
    let rows: Vec<[String; N]> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<String> = line.split('\t').map(field).collect();
            fields.try_into().unwrap_or_else(|_| panic!("expected {N} fields: {line}"))
        })
        .collect();
    assert!(rows.len() >= at_least, "expected at least {at_least} rows, got {}", rows.len());
    let mut distinct = rows.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), rows.len(), "a row is there twice");
    rows
}

/// The lines of a file with one field a line.
pub(crate) fn lines(text: &str, at_least: usize) -> Vec<String> {
    rows::<1>(text, at_least).into_iter().flatten().collect()
}

/// Every string of up to `length` of these pieces.
pub(crate) fn combinations(pieces: &[&str], length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut longest = all.clone();
    for _ in 0..length {
        longest = longest.iter().flat_map(|start| pieces.iter().map(move |piece| format!("{start}{piece}"))).collect();
        all.extend_from_slice(&longest);
    }
    all
}

fn field(text: &str) -> String {
    if text.starts_with('"') {
        serde_json::from_str(text).unwrap_or_else(|_| panic!("expected a JSON string: {text}"))
    } else {
        text.to_owned()
    }
}

//! Reads the data files of `tests/vectors`.

/// The rows of a file, each split at tabs. A field that starts with a quotation mark is a JSON string; blank lines and
/// those that start with `#` are left out.
pub(crate) fn rows(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Vec<Vec<String>> = lines.map(|line| line.split('\t').map(field).collect()).collect();
    assert!(rows.len() > 20, "the file was found");
    rows
}

fn field(text: &str) -> String {
    if text.starts_with('"') { serde_json::from_str(text).unwrap() } else { text.to_owned() }
}

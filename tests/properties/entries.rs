//! Forms that wait: what a page of ours makes a browser send again is what it had sent.

use edge_oidc::web::entries::Entries;

/// So many places of a body are changed.
const PLACES: usize = 16;

/// The first line is the content type, the rest the body.
pub fn check(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return false };
    let (head, body) = (&bytes[..end], &bytes[end + 1..]);
    let Ok(content_type) = std::str::from_utf8(head) else { return false };
    let Some(entries) = Entries::parse(content_type, body) else { return false };
    no_other_body_holds_the_same(content_type, body, &entries);
    another_boundary_changes_nothing(content_type, body, &entries);
    true
}

// So two forms that are equal are equal byte for byte.
fn no_other_body_holds_the_same(content_type: &str, body: &[u8], entries: &Entries) {
    let step = body.len().div_ceil(PLACES).max(1);
    let same = |other: &[u8]| Entries::parse(content_type, other).as_ref() == Some(entries);
    for place in (0..body.len()).rev().step_by(step) {
        let mut changed = body.to_vec();
        changed[place] ^= 1;
        assert!(!same(&changed), "byte {place} may be another");
        changed.remove(place);
        assert!(!same(&changed) || changed == body, "byte {place} may be left out");
        assert!(!same(&body[..place]), "what stands behind byte {place} may be left out");
    }
}

// Browsers draw it anew each time.
fn another_boundary_changes_nothing(content_type: &str, body: &[u8], entries: &Entries) {
    const OTHER: &str = "----another-boundary-of-a-browser";
    let Some(boundary) = content_type.strip_prefix("multipart/form-data; boundary=").filter(|b| !b.is_empty()) else {
        return;
    };
    let (text, dashed) = (body.escape_ascii().to_string(), format!("--{}", boundary.as_bytes().escape_ascii()));
    let count = |what: &str| text.matches(what).count();
    // Where it stands in a value too, that is another value.
    let (delimiters, ends) = (count(&format!("{dashed}\\r\\n")), count(&format!("{dashed}--\\r\\n")));
    if ends != 1
        || count(&dashed) != delimiters + ends
        || count(OTHER) > 0
        || !boundary.bytes().all(|byte| byte.is_ascii_alphanumeric())
    {
        return;
    }
    let body = replaced(body, format!("--{boundary}").as_bytes(), format!("--{OTHER}").as_bytes());
    let again = Entries::parse(&format!("multipart/form-data; boundary={OTHER}"), &body);
    assert!(again.as_ref() == Some(entries));
}

fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        all.extend_from_slice(&rest[..at]);
        all.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    all.extend_from_slice(rest);
    all
}

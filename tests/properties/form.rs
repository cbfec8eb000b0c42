//! Forms: read as browsers read them, each parameter once, and what is written is read again.

use edge_oidc::web::form::{Form, Parameters};
use url::{Url, form_urlencoded};

use super::text;

pub fn check(bytes: &[u8]) -> bool {
    let Some(text) = text(bytes) else { return false };
    any_pairs_come_back(text);
    let Ok(parameters) = Parameters::parse(text) else { return false };

    let pairs: Vec<(&str, &str)> = parameters.iter().collect();
    assert!(pairs.len() <= Parameters::MAX);
    assert!(pairs.iter().all(|(_, value)| !value.is_empty()));
    // Each is there once, and was there once before the empty ones went.
    for (index, (name, value)) in pairs.iter().enumerate() {
        assert!(pairs[index + 1..].iter().all(|(other, _)| other != name), "a parameter is there twice");
        assert_eq!(parameters.value(name), Some(*value));
    }
    // The WHATWG's reader, which knows no errors, reads the same.
    let theirs: Vec<(String, String)> =
        form_urlencoded::parse(text.as_bytes()).into_owned().filter(|(_, value)| !value.is_empty()).collect();
    let ours: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(ours, theirs);

    let mut form = Form::new();
    for (name, value) in &pairs {
        form.push(name, value);
    }
    assert!(Parameters::parse(&form.to_body()).as_ref() == Ok(&parameters));
    stays_in_the_query(&form, &ours);
    !parameters.is_empty()
}

/// The lines of the text as names and values in turn.
fn any_pairs_come_back(text: &str) {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut form = Form::new();
    let mut pairs = Vec::new();
    for pair in lines.chunks_exact(2) {
        form.push(pair[0], pair[1]);
        pairs.push((pair[0].to_owned(), pair[1].to_owned()));
    }
    let body = form.to_body();
    assert!(body.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(form_urlencoded::parse(body.as_bytes()).into_owned().collect::<Vec<_>>(), pairs);
    stays_in_the_query(&form, &pairs);
}

// What is appended to an endpoint changes neither its host nor its path, and says no more than was pushed.
fn stays_in_the_query(form: &Form, pairs: &[(String, String)]) {
    for (endpoint, own) in [("https://idp.example/auth", vec![]), ("https://idp.example/auth?own=1", vec!["1"])] {
        let url = Url::parse(&form.append_to(endpoint)).unwrap();
        assert_eq!((url.host_str(), url.path(), url.fragment()), (Some("idp.example"), "/auth", None));
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let mut expected: Vec<(String, String)> =
            own.into_iter().map(|value| ("own".to_owned(), value.to_owned())).collect();
        expected.extend_from_slice(pairs);
        assert_eq!(query, expected);
    }
}

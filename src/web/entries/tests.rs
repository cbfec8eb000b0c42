use super::*;

const BOUNDARY: &str = "----WebKitFormBoundaryxcUfnXTJo1D5dm4D";

/// What a browser sends for what the page holds, as the HTML standard has it.
fn sent(entries: &Entries, boundary: &str) -> Vec<u8> {
    let escaped = |name: &str| name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
    let mut body = Vec::new();
    match entries.enctype {
        URL_ENCODED => {
            let mut form = form::Form::new();
            entries.list.iter().for_each(|entry| form.push(&entry.name, &entry.value));
            body.extend_from_slice(form.to_body().as_bytes());
        }
        PLAIN_TEXT => entries.list.iter().for_each(|entry| {
            body.extend_from_slice(format!("{}={}\r\n", entry.name, entry.value).as_bytes());
        }),
        MULTIPART => {
            for Entry { name, value, file_name, media_type } in &entries.list {
                let name = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", escaped(name));
                body.extend_from_slice(name.as_bytes());
                if media_type.is_empty() {
                    body.extend_from_slice(format!("\r\n\r\n{value}").as_bytes());
                } else {
                    let file = format!("; filename=\"{}\"\r\nContent-Type: {media_type}\r\n\r\n", escaped(file_name));
                    body.extend_from_slice(file.as_bytes());
                    body.extend_from_slice(&Base64::decode_vec(value).unwrap());
                }
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        }
        other => panic!("{other}"),
    }
    body
}

fn multipart_type(boundary: &str) -> String {
    format!("{MULTIPART}; boundary={boundary}")
}

/// Parts without their delimiters, as a body.
fn body_of(parts: &[&[u8]]) -> Vec<u8> {
    let delimiter = format!("--{BOUNDARY}\r\n");
    let parts = parts.iter().flat_map(|part| [delimiter.as_bytes(), part, b"\r\n"].concat());
    parts.chain(format!("--{BOUNDARY}--\r\n").into_bytes()).collect()
}

fn check(content_type: &str, body: &[u8]) -> Entries {
    let text = String::from_utf8_lossy(body).into_owned();
    let entries = Entries::parse(content_type, body).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(sent(&entries, BOUNDARY), body, "{text}");
    entries
}

#[test]
fn url_encoded_fields_that_a_page_can_carry() {
    for body in
        ["", "a=b", "a=&b=c+d&a=2", "text=line+1%0D%0Aline+2", "%C3%BC=%F0%9F%90%88%26%3D%25", "a=%3Cscript%3E%22"]
    {
        assert!(!check(URL_ENCODED, body.as_bytes()).need_script());
    }
    for body in [
        "a",
        "a&b",
        "=b",
        "&a=b",
        "a=b&",
        "a=b=c",
        "a=%20",
        "a= ",
        "a=%2b%2B",
        "a=~",
        "a=%7e",
        "a=%E9",
        "a=%",
        "a=\u{fc}",
        "a=%0A",
        "a=%0D",
        "a=%0A%0D%0A",
        "a=%00",
        "%0A=b",
        "_charset_=UTF-8",
        "_Charset_=",
        "{\"a\": 1}",
        "a=b\r\n",
    ] {
        assert!(Entries::parse(URL_ENCODED, body.as_bytes()).is_none(), "{body}");
    }
}

#[test]
fn plain_text_that_a_page_can_carry() {
    for body in ["", "a=\r\n", "a=b\r\n", "a=x=y\r\nb=1\r\n2=3\r\n", "a=\u{fc}&\"%22\r\n\r\n", "{\"a\":\"=\"}\r\n"] {
        assert!(!check(PLAIN_TEXT, body.as_bytes()).need_script());
    }
    for body in ["a=b", "a\r\n", "=b\r\n", "a=b\n", "a=b\rc\r\n", "a=b\nc\r\n", "a=\0\r\n", "_charset_=UTF-8\r\n"] {
        assert!(Entries::parse(PLAIN_TEXT, body.as_bytes()).is_none(), "{body}");
    }
    assert!(Entries::parse(PLAIN_TEXT, b"a=\xE9\r\n").is_none());
}

#[test]
fn parts_that_a_page_can_carry() {
    let kind = multipart_type(BOUNDARY);
    let text: &[u8] = b"Content-Disposition: form-data; name=\"t%22ex%0D%0At\"\r\n\r\n\xC3\xBCber\r\n\r\n--x";
    let none: &[u8] =
        b"Content-Disposition: form-data; name=\"e\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    for parts in [&[][..], &[text], &[none], &[text, none, text]] {
        assert!(!check(&kind, &body_of(parts)).need_script());
    }
    let picture: &[u8] = b"Content-Disposition: form-data; name=\"f\"; filename=\"qu%22o%22te \xE6\x97\xA5.PNG\"\r\n\
        Content-Type: image/png\r\n\r\n\x00\xFF\r\n\n\r--x\r\n\r\n";
    let empty: &[u8] =
        b"Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n";
    let nameless: &[u8] = b"Content-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: a/b\r\n\r\nx";
    for parts in [&[picture][..], &[empty], &[nameless], &[text, picture, picture, none]] {
        assert!(check(&kind, &body_of(parts)).need_script());
    }
}

#[test]
fn parts_that_no_browser_writes_or_no_page_can_carry() {
    let kind = multipart_type(BOUNDARY);
    let field = |name: &str, value: &str| format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}");
    let file = |name: &str, media_type: &str| {
        let head = "Content-Disposition: form-data; name=\"f\"";
        format!("{head}; filename=\"{name}\"\r\nContent-Type: {media_type}\r\n\r\nx")
    };
    for part in [
        field("", "x"),
        field("_charset_", "UTF-8"),
        field("a\r\nX: \"b", "x"),
        field("a\"b", "x"),
        field("a\0", "x"),
        field("a\r\nb", "x"),
        field("a", "x\0"),
        field("a", "x\ny"),
        field("a", "x\ry"),
        file("a/b", "text/plain"),
        file("a\"b", "text/plain"),
        file("a\nb", "text/plain"),
        file("a\0b", "text/plain"),
        file("a", ""),
        file("a", "Text/Plain"),
        file("a", "text/plain\r\nX-More: y"),
        file("a", "text/\u{fc}"),
        "Content-Disposition: form-data; name=\"f\"; filename=\"a\"\r\n\r\nx".to_owned(),
        "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\r\n\r\nx".to_owned(),
        "content-disposition: form-data; name=\"a\"\r\n\r\nx".to_owned(),
        "Content-Disposition: form-data; name=a\r\n\r\nx".to_owned(),
        "Content-Disposition: form-data; name=\"a\"\r\n".to_owned(),
        String::new(),
    ] {
        assert!(Entries::parse(&kind, &body_of(&[part.as_bytes()])).is_none(), "{part:?}");
    }
    assert!(Entries::parse(&kind, &body_of(&[b"Content-Disposition: form-data; name=\"a\"\r\n\r\n\xE9"])).is_none());
    let good = body_of(&[field("a", "x").as_bytes()]);
    check(&kind, &good);
    for length in 0..good.len() {
        assert!(Entries::parse(&kind, &good[..length]).is_none(), "{length}");
        assert!(length == 0 || Entries::parse(&kind, &good[length..]).is_none_or(|rest| rest.list.is_empty()));
    }
    for (length, carried) in [(70, true), (71, false)] {
        let boundary = "x".repeat(length);
        let empty = format!("--{boundary}--\r\n");
        assert_eq!(Entries::parse(&multipart_type(&boundary), empty.as_bytes()).is_some(), carried, "{length}");
    }
    for kind in ["", "multipart/form-data", "multipart/mixed; boundary=x", "application/json", "Text/Plain"] {
        assert!(Entries::parse(kind, &good).is_none(), "{kind}");
    }
}

/// Two readers of one body may see different parts in it; what the browser sends is the same all the same.
#[test]
fn whatever_is_carried_is_sent_as_it_was() {
    let pieces: [&[u8]; 14] = [
        b"--x",
        b"--x\r\n",
        b"--x--\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"Content-Disposition: form-data; name=\"",
        b"Content-Disposition: form-data; name=\"a\"",
        b"\"; filename=\"",
        b"; filename=\"b\"\r\nContent-Type: c\r\n\r\n",
        b"\"",
        b"a",
        b"=",
        b"\xC3\xBC",
        b"\xFF",
    ];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1000).unwrap() % below
    };
    let mut carried = 0;
    for _ in 0..50_000 {
        let length = draw(12);
        let mut body = pieces[draw(2)].to_vec();
        (0..length).for_each(|_| body.extend_from_slice(pieces[draw(pieces.len())]));
        if draw(2) == 0 {
            body.extend_from_slice(b"\r\n--x--\r\n");
        }
        for kind in [&multipart_type("x"), PLAIN_TEXT, URL_ENCODED] {
            if let Some(entries) = Entries::parse(kind, &body) {
                carried += 1;
                assert_eq!(sent(&entries, "x"), body, "{}", String::from_utf8_lossy(&body));
            }
        }
    }
    assert!(carried > 50, "{carried}");
}

#[test]
fn another_boundary_is_the_same_form() {
    let parts: [&[u8]; 2] = [
        b"Content-Disposition: form-data; name=\"a\"\r\n\r\nx",
        b"Content-Disposition: form-data; name=\"f\"; filename=\"b\"\r\nContent-Type: c/d\r\n\r\n\xFF",
    ];
    let entries = check(&multipart_type(BOUNDARY), &body_of(&parts));
    let again = Entries::parse(&multipart_type("y"), &sent(&entries, "y")).unwrap();
    assert!(entries == again);
    let other = Entries::parse(&multipart_type(BOUNDARY), &body_of(&[parts[1], parts[0]])).unwrap();
    assert!(entries != other);
    assert!(Entries::parse(URL_ENCODED, b"").unwrap() != Entries::parse(PLAIN_TEXT, b"").unwrap());
}

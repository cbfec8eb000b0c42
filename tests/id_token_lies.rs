//! ID tokens that lie in one place, each refused under its code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "test code")]
#![allow(clippy::too_many_lines, reason = "tables")]

mod support;

use edge_oidc::jose::Alg;
use serde_json::{Value, json};
use support::{
    Endpoint, START, TestKey, World,
    mint::{
        beyond_range, claim, claims, header, header_text, hmac_keyed, mint, payload, pem, resigned, signature, split,
        two, whole, without, without_header,
    },
    provider::{CLIENT_SECRET, ISSUER, Mint},
};

/// A lie, what it is called, and the code it is refused under.
type Lie = (&'static str, Mint, &'static str);

fn assert_refused(lies: Vec<Lie>) -> usize {
    let count = lies.len();
    for (name, lie, code) in lies {
        let world = World::usual();
        world.provider().lie(|lies| lies.id_token(lie));
        let browser = world.browser();
        let answer = browser.sign_in("/");
        assert_eq!((answer.status(), world.host.last_event()), (502, code), "{name}");
        assert!(!answer.touches_session() && browser.session().is_none(), "{name}");
        assert!(world.host.store.borrow().is_empty(), "{name}");
        assert_eq!(world.host.take_counts().of(Endpoint::Userinfo), 0, "{name}");
        // The same browser at the same provider, without the lie.
        world.provider().be_honest();
        assert_eq!(browser.sign_in("/a").location(), "/a", "{name}");
    }
    count
}

#[test]
fn lies_about_the_algorithm_and_the_key() {
    const ALGORITHM: &str = "id_token.algorithm";
    let embedded = || TestKey::es256().jwk();
    let mut lies: Vec<Lie> = vec![
        ("HS256 keyed by the PEM", hmac_keyed("HS256", pem), ALGORITHM),
        ("HS256 keyed by the JWK", hmac_keyed("HS256", |key| key.jwk().to_string().into_bytes()), ALGORITHM),
        (
            "HS256 keyed by the modulus",
            hmac_keyed("HS256", |key| key.jwk()["n"].as_str().unwrap().as_bytes().to_vec()),
            ALGORITHM,
        ),
        ("HS256 keyed by the client secret", hmac_keyed("HS256", |_| CLIENT_SECRET.as_bytes().to_vec()), ALGORITHM),
        ("HS256 keyed by nothing", hmac_keyed("HS256", |_| Vec::new()), ALGORITHM),
        ("an HMAC under RS256", hmac_keyed("RS256", pem), "id_token.bad_signature"),
        ("RS384, not announced", mint(|t| resigned(&t, TestKey::rs256().with_alg(Alg::Rs384))), ALGORITHM),
        ("PS256, not announced", mint(|t| resigned(&t, TestKey::rs256().with_alg(Alg::Ps256))), ALGORITHM),
        ("ES256, not announced", mint(|t| resigned(&t, TestKey::es256())), ALGORITHM),
        ("rs256 in lower case", header("alg", json!("rs256")), ALGORITHM),
        ("an alg with a space", header("alg", json!("RS256 ")), ALGORITHM),
        ("an alg of encryption", header("alg", json!("RSA-OAEP")), ALGORITHM),
        ("no alg", without_header("alg"), "id_token.malformed_header"),
        ("alg null", header("alg", Value::Null), "id_token.malformed_header"),
        ("alg a list", header("alg", json!(["RS256"])), "id_token.malformed_header"),
        ("an unknown kid", header("kid", json!("other")), "id_token.unknown_key"),
        ("an empty kid", header("kid", json!("")), "id_token.unknown_key"),
        ("a kid in another case", header("kid", json!("RSA")), "id_token.unknown_key"),
        ("a kid that is a path", header("kid", json!("../../rsa")), "id_token.unknown_key"),
        ("a kid that is SQL", header("kid", json!("x' UNION SELECT 'rsa")), "id_token.unknown_key"),
        ("a kid that is a number", header("kid", json!(1)), "id_token.malformed_header"),
        ("a kid that is null", header("kid", Value::Null), "id_token.malformed_header"),
        ("crit", header("crit", json!(["exp"])), "id_token.refused_header_parameter"),
        ("crit, empty", header("crit", json!([])), "id_token.refused_header_parameter"),
        ("b64 false", header("b64", json!(false)), "id_token.refused_header_parameter"),
        ("b64 true", header("b64", json!(true)), "id_token.refused_header_parameter"),
        ("zip", header("zip", json!("DEF")), "id_token.refused_header_parameter"),
        ("enc", header("enc", json!("A256GCM")), "id_token.refused_header_parameter"),
        ("an access token", header("typ", json!("at+jwt")), "id_token.wrong_type"),
        ("an access token, in full", header("typ", json!("application/at+jwt")), "id_token.wrong_type"),
        ("a logout token", header("typ", json!("logout+jwt")), "id_token.wrong_type"),
        ("typ empty", header("typ", json!("")), "id_token.wrong_type"),
        ("typ a number", header("typ", json!(7)), "id_token.malformed_header"),
        ("a nested token", header("cty", json!("JWT")), "id_token.other_content"),
    ];
    for spelling in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let unsigned = mint(move |mut t| {
            t.header["alg"] = json!(spelling);
            format!("{}.", split(&t.sign()).0)
        });
        lies.push(("none without a signature", unsigned, ALGORITHM));
        lies.push(("none with a signature", header("alg", json!(spelling)), ALGORITHM));
    }
    // Keys that come along are never used: here they would verify.
    for (name, value) in [
        ("jwk", embedded()),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let brought = move |alg: &'static str, kid: Option<&'static str>| {
            let value = value.clone();
            mint(move |token| {
                let key = TestKey::es256();
                let mut header = json!({"alg": alg, name: value});
                if let Some(kid) = kid {
                    header["kid"] = json!(kid);
                }
                key.token_of(header.to_string(), token.claims.to_string())
            })
        };
        lies.push((name, brought("ES256", Some("rsa")), ALGORITHM));
        lies.push((name, brought("RS256", Some("p256")), "id_token.unknown_key"));
        lies.push((name, brought("RS256", Some("rsa")), "id_token.bad_signature"));
    }
    assert!(assert_refused(lies) >= 58);
}

#[test]
fn lies_about_the_signature_and_the_form() {
    const MALFORMED: &str = "id_token.malformed";
    const BAD: &str = "id_token.bad_signature";
    let lies: Vec<Lie> = vec![
        (
            "one bit of the signature",
            signature(|_, mut s| {
                s[100] ^= 1;
                s
            }),
            BAD,
        ),
        (
            "the first bit",
            signature(|_, mut s| {
                s[0] ^= 0x80;
                s
            }),
            BAD,
        ),
        (
            "one byte short",
            signature(|_, mut s| {
                s.pop();
                s
            }),
            BAD,
        ),
        ("one byte more", signature(|_, s| [s, vec![0]].concat()), BAD),
        ("a zero before", signature(|_, s| [vec![0], s].concat()), BAD),
        ("all zeros", signature(|_, s| vec![0; s.len()]), BAD),
        ("empty", signature(|_, _| Vec::new()), BAD),
        ("of another content", signature(|_, _| TestKey::rs256().sign(b"a.b")), BAD),
        ("of another key", signature(|input, _| TestKey::es256().sign(input.as_bytes())), BAD),
        ("PSS under RS256", signature(|input, _| TestKey::rs256().with_alg(Alg::Ps256).sign(input.as_bytes())), BAD),
        (
            "SHA-512 under RS256",
            signature(|input, _| TestKey::rs256().with_alg(Alg::Rs512).sign(input.as_bytes())),
            BAD,
        ),
        (
            "another payload under the signature",
            mint(|mut t| {
                let (_, good) = split(&t.sign());
                t.claims["sub"] = json!("admin");
                format!("{}.{good}", split(&t.sign()).0)
            }),
            BAD,
        ),
        ("no dots", whole(|t| t.replace('.', "")), MALFORMED),
        ("two parts", whole(|t| split(&t).0), MALFORMED),
        ("an extra part", whole(|t| format!("{t}.x")), MALFORMED),
        ("an empty extra part", whole(|t| format!("{t}.")), MALFORMED),
        ("five parts, as encrypted", whole(|t| format!("{t}.x.y")), MALFORMED),
        ("nothing", whole(|_| ".".to_owned()), MALFORMED),
        ("empty parts", whole(|_| "..".to_owned()), "id_token.malformed_header"),
        ("a space before", whole(|t| format!(" {t}")), MALFORMED),
        ("a line break behind", whole(|t| format!("{t}\n")), MALFORMED),
        ("a tab inside", whole(|t| t.replacen('.', "\t.", 1)), MALFORMED),
        ("padding", whole(|t| format!("{t}=")), MALFORMED),
        ("base64 of the other alphabet", whole(|t| format!("{t}+/")), MALFORMED),
        ("longer than 64 KiB", claim("x", json!("x".repeat(64 * 1024))), "id_token.too_long"),
        ("a header that is a list", header_text(|_| "[]".into()), "id_token.malformed_header"),
        (
            "a header with alg twice",
            header_text(|h| h.replacen('{', r#"{"alg":"none","#, 1)),
            "id_token.malformed_header",
        ),
        ("a header with more behind", header_text(|h| format!("{h}{{}}")), "id_token.malformed_header"),
        (
            "a header that is not UTF-8",
            mint(|t| t.key.token_of(b"{\"alg\":\"\xff\"}", t.claims.to_string())),
            "id_token.malformed_header",
        ),
        ("a payload that is a list", payload(|p| format!("[{p}]")), "id_token.malformed_claims"),
        ("a payload that is a string", payload(|_| r#""a""#.into()), "id_token.malformed_claims"),
        ("a payload that is null", payload(|_| "null".into()), "id_token.malformed_claims"),
        ("an empty payload", payload(|_| String::new()), "id_token.malformed_claims"),
        (
            "a payload with sub twice",
            payload(|p| p.replacen('{', r#"{"sub":"admin","#, 1)),
            "id_token.malformed_claims",
        ),
        (
            "a name twice by an escape",
            payload(|p| p.replacen('{', r#"{"\u0073ub":"admin","#, 1)),
            "id_token.malformed_claims",
        ),
        ("a name twice inside", payload(|p| p.replacen('{', r#"{"o":{"a":1,"a":2},"#, 1)), "id_token.malformed_claims"),
        ("more behind the payload", payload(|p| format!("{p}{{}}")), "id_token.malformed_claims"),
        ("a comma behind the last", payload(|p| p.replacen('}', ",}", 1)), "id_token.malformed_claims"),
        ("a payload cut short", payload(|p| p[..p.len() - 1].to_owned()), "id_token.malformed_claims"),
        ("a byte order mark", payload(|p| format!("\u{feff}{p}")), "id_token.malformed_claims"),
    ];
    assert!(assert_refused(lies) >= 40);
}

#[test]
fn lies_about_the_claims() {
    const TYPE: &str = "id_token.claim_type";
    const MISSING: &str = "id_token.claim_missing";
    const RANGE: &str = "id_token.claim_out_of_range";
    const EXPIRED: &str = "id_token.expired";
    const FUTURE: &str = "id_token.issued_in_future";
    const NOT_YET: &str = "id_token.not_yet_valid";
    const AUDIENCE: &str = "id_token.audience_mismatch";
    const PARTY: &str = "id_token.authorized_party";
    const OTHER_ISSUER: &str = "id_token.issuer_mismatch";
    const SUBJECT: &str = "id_token.subject";
    const NONCE: &str = "id_token.nonce_mismatch";
    const HASH: &str = "id_token.at_hash_mismatch";
    let beside = |azp: Value| two(("aud", json!(["me", "you"])), ("azp", azp));
    let mut lies: Vec<Lie> = vec![
        ("no aud", without("aud"), MISSING),
        ("aud another", claim("aud", json!("you")), AUDIENCE),
        ("aud in another case", claim("aud", json!("ME")), AUDIENCE),
        ("aud longer", claim("aud", json!("me too")), AUDIENCE),
        ("aud empty", claim("aud", json!("")), AUDIENCE),
        ("aud several others", claim("aud", json!(["you", "them"])), AUDIENCE),
        ("aud an empty list", claim("aud", json!([])), TYPE),
        ("aud a number", claim("aud", json!(5)), TYPE),
        ("aud a list of numbers", claim("aud", json!([5])), TYPE),
        ("aud us and a number", claim("aud", json!(["me", 5])), TYPE),
        ("aud an object", claim("aud", json!({"me": true})), TYPE),
        ("aud null", claim("aud", Value::Null), TYPE),
        ("several aud, no azp", claim("aud", json!(["me", "you"])), PARTY),
        ("several aud, azp another", beside(json!("you")), PARTY),
        ("several aud, azp null", beside(Value::Null), TYPE),
        ("several aud, azp a list", beside(json!(["me"])), TYPE),
        ("one aud, azp another", claim("azp", json!("you")), PARTY),
        ("one aud, azp empty", claim("azp", json!("")), PARTY),
        ("no iss", without("iss"), MISSING),
        ("iss another", claim("iss", json!("https://evil.example")), OTHER_ISSUER),
        ("iss with a slash", claim("iss", json!(format!("{ISSUER}/"))), OTHER_ISSUER),
        ("iss in upper case", claim("iss", json!("HTTPS://IDP.EXAMPLE")), OTHER_ISSUER),
        ("iss with a port", claim("iss", json!(format!("{ISSUER}:443"))), OTHER_ISSUER),
        ("iss longer", claim("iss", json!(format!("{ISSUER}.evil.example"))), OTHER_ISSUER),
        ("iss http", claim("iss", json!("http://idp.example")), OTHER_ISSUER),
        ("iss a list", claim("iss", json!([ISSUER])), TYPE),
        ("iss null", claim("iss", Value::Null), TYPE),
        ("no sub", without("sub"), MISSING),
        ("sub empty", claim("sub", json!("")), SUBJECT),
        ("sub too long", claim("sub", json!("x".repeat(256))), SUBJECT),
        ("sub not ASCII", claim("sub", json!("\u{430}lice")), SUBJECT),
        ("sub a number", claim("sub", json!(1)), TYPE),
        ("sub null", claim("sub", Value::Null), TYPE),
        ("sub a list", claim("sub", json!(["alice"])), TYPE),
        ("no nonce", without("nonce"), NONCE),
        ("nonce another", claim("nonce", json!("other")), NONCE),
        ("nonce empty", claim("nonce", json!("")), NONCE),
        ("nonce longer", claims(|c| c["nonce"] = json!(format!("{}x", c["nonce"].as_str().unwrap()))), NONCE),
        ("nonce shorter", claims(|c| c["nonce"] = json!(c["nonce"].as_str().unwrap()[1..])), NONCE),
        ("nonce a number", claim("nonce", json!(1)), TYPE),
        ("nonce a list", claims(|c| c["nonce"] = json!([c["nonce"]])), TYPE),
        ("nonce null", claim("nonce", Value::Null), TYPE),
        ("at_hash another", claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")), HASH),
        ("at_hash empty", claim("at_hash", json!("")), HASH),
        ("at_hash padded", claims(|c| c["at_hash"] = json!(format!("{}==", c["at_hash"].as_str().unwrap()))), HASH),
        ("at_hash cut", claims(|c| c["at_hash"] = json!(c["at_hash"].as_str().unwrap()[..10])), HASH),
        ("at_hash a number", claim("at_hash", json!(7)), TYPE),
        ("at_hash null", claim("at_hash", Value::Null), TYPE),
        ("no exp", without("exp"), MISSING),
        ("no iat", without("iat"), MISSING),
        ("exp long ago", claim("exp", json!(1)), EXPIRED),
        ("exp zero", claim("exp", json!(0)), EXPIRED),
        ("exp negative", claim("exp", json!(-5)), EXPIRED),
        ("exp at the end of the leeway", claim("exp", json!(START - 60)), EXPIRED),
        ("exp before that", claim("exp", json!(START - 61)), EXPIRED),
        ("exp a fraction too old", claim("exp", json!(1_799_999_940.0)), EXPIRED),
        ("iat beyond the leeway", claim("iat", json!(START + 61)), FUTURE),
        ("iat far in the future", claim("iat", json!(START + 100_000)), FUTURE),
        ("nbf beyond the leeway", claim("nbf", json!(START + 61)), NOT_YET),
        ("nbf far in the future", claim("nbf", json!(START + 100_000)), NOT_YET),
    ];
    for name in ["exp", "iat", "nbf"] {
        for value in [json!("1900000000"), Value::Null, json!([1_900_000_000]), json!(true), json!({})] {
            lies.push((name, claim(name, value), TYPE));
        }
        for value in [json!(1e300), json!(i64::MAX), json!(u64::MAX), json!(i64::MIN), json!((1_i64 << 53) + 1)] {
            lies.push((name, claim(name, value), RANGE));
        }
        lies.push((name, payload(move |p| beyond_range(&p, name)), "id_token.malformed_claims"));
    }
    assert!(assert_refused(lies) >= 90);
}

#[test]
fn lies_that_look_honest() {
    const MALFORMED: &str = "id_token.malformed_claims";
    const TYPE: &str = "id_token.claim_type";
    const AUDIENCE: &str = "id_token.audience_mismatch";
    const OTHER_ISSUER: &str = "id_token.issuer_mismatch";
    const NONCE: &str = "id_token.nonce_mismatch";
    const HASH: &str = "id_token.at_hash_mismatch";
    let text_of = |c: &Value, name: &str| c[name].as_str().unwrap().to_owned();
    let set = |name: &'static str, change: fn(&str) -> String| {
        claims(move |c| {
            let changed = change(&text_of(c, name));
            c[name] = json!(changed);
        })
    };
    let bytes_of = |piece: &'static [u8]| {
        mint(move |t| {
            let honest = t.claims.to_string();
            let payload = [b"{\"x\":\"", piece, b"\",", &honest.as_bytes()[1..]].concat();
            t.key.token_of(t.header.to_string(), payload)
        })
    };
    let lies: Vec<Lie> = vec![
        ("azp us, aud another", two(("aud", json!(["you"])), ("azp", json!("me"))), AUDIENCE),
        ("aud with a null character", claim("aud", json!("me\0")), AUDIENCE),
        ("aud with a space", claim("aud", json!(" me")), AUDIENCE),
        ("aud as a list in a text", claim("aud", json!("[\"me\"]")), AUDIENCE),
        ("aud a list in a list", claim("aud", json!([["me"]])), TYPE),
        ("aud true", claim("aud", json!(true)), TYPE),
        ("iss with a space", set("iss", |iss| format!("{iss} ")), OTHER_ISSUER),
        ("iss with a null character", set("iss", |iss| format!("{iss}\0")), OTHER_ISSUER),
        ("iss with a path", set("iss", |iss| format!("{iss}/realms/x")), OTHER_ISSUER),
        ("iss with somebody before the host", set("iss", |iss| iss.replace("://", "://a@")), OTHER_ISSUER),
        ("iss with a dot behind the host", set("iss", |iss| format!("{iss}.")), OTHER_ISSUER),
        ("iss with a fragment", set("iss", |iss| format!("{iss}#")), OTHER_ISSUER),
        ("iss an object", claim("iss", json!({"iss": ISSUER})), TYPE),
        ("iss a number", claim("iss", json!(1)), TYPE),
        ("iss true", claim("iss", json!(true)), TYPE),
        ("sub an object", claim("sub", json!({"id": "alice"})), TYPE),
        ("sub true", claim("sub", json!(true)), TYPE),
        ("nonce in upper case", set("nonce", str::to_uppercase), NONCE),
        ("nonce with a space", set("nonce", |nonce| format!("{nonce} ")), NONCE),
        ("nonce backwards", set("nonce", |nonce| nonce.chars().rev().collect()), NONCE),
        ("nonce an object", claim("nonce", json!({})), TYPE),
        ("nonce true", claim("nonce", json!(true)), TYPE),
        ("azp a number", claim("azp", json!(1)), TYPE),
        ("azp an object", claim("azp", json!({})), TYPE),
        ("azp with a space", claim("azp", json!("me ")), "id_token.authorized_party"),
        ("at_hash in upper case", set("at_hash", str::to_uppercase), HASH),
        ("at_hash the whole hash", set("at_hash", |hash| format!("{hash}{hash}")), HASH),
        ("at_hash an object", claim("at_hash", json!({})), TYPE),
        ("not a number", payload(|p| p.replacen('{', r#"{"x":NaN,"#, 1)), MALFORMED),
        ("half a surrogate", payload(|p| p.replacen('{', r#"{"x":"\ud800","#, 1)), MALFORMED),
        ("bytes that are no text", bytes_of(b"\xff\xfe"), MALFORMED),
        ("a line break in a text", bytes_of(b"a\nb"), MALFORMED),
        ("a comment", payload(|p| p.replacen('{', "{/* honest */", 1)), MALFORMED),
        ("single quotes", payload(|p| p.replace('"', "'")), MALFORMED),
        ("a number with a zero before", payload(|p| p.replacen('{', r#"{"x":01,"#, 1)), MALFORMED),
        (
            "objects without end",
            payload(|p| p.replacen('{', &format!("{{\"x\":{}1{},", "[".repeat(2000), "]".repeat(2000)), 1)),
            MALFORMED,
        ),
        ("nonce twice", payload(|p| p.replacen('{', r#"{"nonce":"other","#, 1)), MALFORMED),
        ("exp twice", payload(|p| p.replacen('{', r#"{"exp":1,"#, 1)), MALFORMED),
        ("aud twice", payload(|p| p.replacen('{', r#"{"aud":"you","#, 1)), MALFORMED),
        ("iss twice", payload(|p| p.replacen('{', r#"{"iss":"https://evil.example","#, 1)), MALFORMED),
        (
            "the signature in hexadecimal",
            whole(|t| {
                let (input, signature) = split(&t);
                let digits: Vec<String> = signature.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("{input}.{}", digits.concat())
            }),
            "id_token.bad_signature",
        ),
        (
            "the header once more for a signature",
            whole(|t| {
                let (input, _) = split(&t);
                format!("{input}.{}", input.split('.').next().unwrap())
            }),
            "id_token.bad_signature",
        ),
    ];
    assert!(assert_refused(lies) >= 42);
}

#[test]
fn lies_about_a_signature_of_two_numbers() {
    let der = |raw: &[u8]| {
        // ASN.1, as most libraries make it and JWS does not (RFC 7518 §3.4).
        let integer = |half: &[u8]| {
            let padded = if half[0] & 0x80 == 0 { half.to_vec() } else { [&[0], half].concat() };
            [vec![2, u8::try_from(padded.len()).unwrap()], padded].concat()
        };
        let inner = [integer(&raw[..32]), integer(&raw[32..])].concat();
        [vec![0x30, u8::try_from(inner.len()).unwrap()], inner].concat()
    };
    let forged: Vec<(&str, Mint)> = vec![
        ("all zeros (CVE-2022-21449)", signature(|_, _| vec![0; 64])),
        ("r zero", signature(|_, s| [vec![0; 32], s[32..].to_vec()].concat())),
        ("s zero", signature(|_, s| [s[..32].to_vec(), vec![0; 32]].concat())),
        ("all ones", signature(|_, _| vec![0xff; 64])),
        ("swapped", signature(|_, s| [&s[32..], &s[..32]].concat())),
        ("as ASN.1", signature(move |_, s| der(&s))),
        ("one half", signature(|_, s| s[..32].to_vec())),
        ("with zeros behind", signature(|_, s| [s, vec![0; 2]].concat())),
        ("empty", signature(|_, _| Vec::new())),
        ("of another content", signature(|_, _| TestKey::es256().sign(b"a.b"))),
    ];
    for (name, lie) in forged {
        let world = World::usual();
        world.provider().rotate(TestKey::es256());
        world.provider().lie(|lies| {
            lies.edit(Endpoint::Metadata, |metadata| {
                metadata["id_token_signing_alg_values_supported"] = json!(["ES256"]);
            });
            lies.id_token(lie);
        });
        let browser = world.browser();
        assert_eq!((browser.sign_in("/").status(), world.host.last_event()), (502, "id_token.bad_signature"), "{name}");
        assert!(browser.session().is_none(), "{name}");
        world.provider().lie(|lies| lies.id_token = None);
        assert_eq!(browser.sign_in("/a").location(), "/a", "{name}");
    }
}

use serde_json::json;

use super::*;

fn claims(value: Value) -> Claims {
    let Value::Object(object) = value else { panic!("not an object") };
    Claims::new(object)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn leeway(seconds: u16) -> Leeway {
    Leeway::from_secs(seconds).unwrap()
}

/// One value of every JSON type, and the values that pass for something else elsewhere.
fn every_type() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.5),
        json!(-1),
        json!(""),
        json!("text"),
        json!("true"),
        json!("1700000000"),
        json!([]),
        json!(["text"]),
        json!(["text", 1]),
        json!([null]),
        json!([["text"]]),
        json!({}),
        json!({"text": true}),
    ]
}

#[test]
fn every_reader_takes_its_own_type_alone() {
    for value in every_type() {
        let claims = claims(json!({"c": value, "aud": value}));
        let wrong = |is_right: bool| if is_right { None } else { Some(ClaimError::WrongType("c")) };
        let strings = value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        assert_eq!(claims.string("c").err(), wrong(value.is_string()), "{value}");
        assert_eq!(claims.required_string("c").err(), wrong(value.is_string()), "{value}");
        assert_eq!(claims.boolean("c").err(), wrong(value.is_boolean()), "{value}");
        assert_eq!(claims.timestamp("c").err(), wrong(value.is_number()), "{value}");
        assert_eq!(claims.string_list("c").err(), wrong(strings), "{value}");
        let audience_is_right = value.is_string() || (strings && value != json!([]));
        let audience_error = (!audience_is_right).then_some(ClaimError::WrongType("aud"));
        assert_eq!(claims.audience().err(), audience_error, "{value}");
    }
}

#[test]
fn what_is_absent_is_none_or_missing() {
    let claims = claims(json!({"C": 1}));
    assert_eq!(claims.string("c"), Ok(None));
    assert_eq!(claims.boolean("c"), Ok(None));
    assert_eq!(claims.timestamp("c"), Ok(None));
    assert_eq!(claims.string_list("c"), Ok(None));
    assert_eq!(claims.required_string("c"), Err(ClaimError::Missing("c")));
    assert_eq!(claims.audience(), Err(ClaimError::Missing("aud")));
}

#[test]
fn values_are_read_as_they_are() {
    let claims = claims(json!({"s": "", "b": false, "l": [], "m": ["a", "b"], "aud": ["x", "y"]}));
    assert_eq!(claims.required_string("s"), Ok(""));
    assert_eq!(claims.boolean("b"), Ok(Some(false)));
    assert_eq!(claims.string_list("l"), Ok(Some(vec![])));
    assert_eq!(claims.string_list("m"), Ok(Some(vec!["a", "b"])));
    assert_eq!(claims.audience(), Ok(vec!["x", "y"]));
    assert_eq!(self::claims(json!({"aud": "x"})).audience(), Ok(vec!["x"]));
    assert_eq!(claims.as_object().len(), 5);
    assert_eq!(claims.into_object()["b"], json!(false));
}

#[test]
fn numeric_dates_have_limits() {
    const LIMIT: i64 = 9_007_199_254_740_992;
    for (text, expected) in [
        ("0", Some(0)),
        ("-0", Some(0)),
        ("-0.0", Some(0)),
        ("1700000000", Some(1_700_000_000)),
        ("1700000000.0", Some(1_700_000_000)),
        ("1700000000.999", Some(1_700_000_000)),
        ("1.7e9", Some(1_700_000_000)),
        ("-1.9", Some(-1)),
        ("0.9", Some(0)),
        ("9007199254740992", Some(LIMIT)),
        ("-9007199254740992", Some(-LIMIT)),
        ("9007199254740992.0", Some(LIMIT)),
        ("9007199254740993", None),
        ("-9007199254740993", None),
        ("9007199254740994.0", None),
        ("9223372036854775807", None),
        ("-9223372036854775808", None),
        ("9223372036854775808", None),
        ("18446744073709551615", None),
        ("18446744073709551616", None),
        ("1e300", None),
        ("-1e300", None),
    ] {
        let claims = Claims::new(crate::json::parse_object(format!(r#"{{"t":{text}}}"#).as_bytes()).unwrap());
        let expected = expected.map(|seconds| Some(at(seconds))).ok_or(ClaimError::OutOfRange("t"));
        assert_eq!(claims.timestamp("t"), expected, "{text}");
    }
}

#[test]
fn expiry_ends_on_the_second() {
    for (exp, now, skew, expected) in [
        (json!(1000), 999, 0, Ok(at(1000))),
        (json!(1000), 1000, 0, Err(ClaimError::Expired)),
        (json!(1000), 1001, 0, Err(ClaimError::Expired)),
        (json!(1000), 1059, 60, Ok(at(1000))),
        (json!(1000), 1060, 60, Err(ClaimError::Expired)),
        (json!(1000.9), 999, 0, Ok(at(1000))),
        (json!(1000.9), 1000, 0, Err(ClaimError::Expired)),
        (json!(0), 0, 0, Err(ClaimError::Expired)),
        (json!("1000"), 0, 0, Err(ClaimError::WrongType("exp"))),
        (json!(null), 0, 0, Err(ClaimError::WrongType("exp"))),
        (json!(1e300), 0, 0, Err(ClaimError::OutOfRange("exp"))),
    ] {
        assert_eq!(
            check_expiry(&claims(json!({"exp": exp})), at(now), leeway(skew)),
            expected,
            "{exp} at {now} ± {skew}"
        );
    }
    assert_eq!(check_expiry(&claims(json!({})), at(0), Leeway::ZERO), Err(ClaimError::Missing("exp")));
    let forever = claims(json!({"exp": 9_007_199_254_740_992_i64}));
    assert_eq!(check_expiry(&forever, at(i64::MAX), leeway(600)), Err(ClaimError::Expired));
}

#[test]
fn not_before_begins_on_the_second() {
    for (nbf, now, skew, expected) in [
        (json!(1000), 999, 0, Err(ClaimError::NotYetValid)),
        (json!(1000), 1000, 0, Ok(())),
        (json!(1000), 939, 60, Err(ClaimError::NotYetValid)),
        (json!(1000), 940, 60, Ok(())),
        (json!("1000"), 2000, 0, Err(ClaimError::WrongType("nbf"))),
        (json!(null), 2000, 0, Err(ClaimError::WrongType("nbf"))),
    ] {
        assert_eq!(check_not_before(&claims(json!({"nbf": nbf})), at(now), leeway(skew)), expected, "{nbf} at {now}");
    }
    assert_eq!(check_not_before(&claims(json!({})), at(0), Leeway::ZERO), Ok(()));
    let later = claims(json!({"nbf": 1}));
    assert_eq!(check_not_before(&later, at(i64::MAX), leeway(600)), Ok(()));
    assert_eq!(check_not_before(&later, at(i64::MIN), leeway(600)), Err(ClaimError::NotYetValid));
}

#[test]
fn issued_at_may_be_now_and_not_later() {
    for presence in [Presence::Required, Presence::Optional] {
        for (iat, now, skew, expected) in [
            (json!(1000), 1000, 0, Ok(Some(at(1000)))),
            (json!(1000), 999, 0, Err(ClaimError::IssuedInFuture)),
            (json!(1000), 940, 60, Ok(Some(at(1000)))),
            (json!(1000), 939, 60, Err(ClaimError::IssuedInFuture)),
            (json!("1000"), 2000, 0, Err(ClaimError::WrongType("iat"))),
        ] {
            let claims = claims(json!({"iat": iat}));
            assert_eq!(check_issued_at(&claims, at(now), leeway(skew), presence), expected, "{iat} at {now}");
        }
    }
    let none = claims(json!({}));
    assert_eq!(check_issued_at(&none, at(0), Leeway::ZERO, Presence::Optional), Ok(None));
    assert_eq!(check_issued_at(&none, at(0), Leeway::ZERO, Presence::Required), Err(ClaimError::Missing("iat")));
}

#[test]
fn issuers_are_compared_byte_for_byte() {
    const ISSUER: &str = "https://issuer.example";
    for (iss, expected) in [
        (json!("https://issuer.example"), Ok(ISSUER)),
        (json!("https://issuer.example/"), Err(ClaimError::OtherIssuer)),
        (json!("https://Issuer.example"), Err(ClaimError::OtherIssuer)),
        (json!("https://issuer.example:443"), Err(ClaimError::OtherIssuer)),
        (json!("https://issuer.example.evil"), Err(ClaimError::OtherIssuer)),
        (json!(""), Err(ClaimError::OtherIssuer)),
        (json!([ISSUER]), Err(ClaimError::WrongType("iss"))),
    ] {
        assert_eq!(check_issuer(&claims(json!({"iss": iss})), &["https://other.example", ISSUER]), expected, "{iss}");
    }
    assert_eq!(check_issuer(&claims(json!({})), &[ISSUER]), Err(ClaimError::Missing("iss")));
    assert_eq!(check_issuer(&claims(json!({"iss": ISSUER})), &[] as &[&str]), Err(ClaimError::OtherIssuer));
}

#[test]
fn one_audience_in_common_is_enough() {
    for (aud, expected) in [
        (json!("me"), Ok(())),
        (json!(["me"]), Ok(())),
        (json!(["other", "me"]), Ok(())),
        (json!(["other"]), Err(ClaimError::OtherAudience)),
        (json!("Me"), Err(ClaimError::OtherAudience)),
        (json!("me "), Err(ClaimError::OtherAudience)),
        (json!(""), Err(ClaimError::OtherAudience)),
        (json!([]), Err(ClaimError::WrongType("aud"))),
        (json!(["me", 1]), Err(ClaimError::WrongType("aud"))),
        (json!({"me": 1}), Err(ClaimError::WrongType("aud"))),
    ] {
        assert_eq!(
            check_audience(&claims(json!({"aud": aud})), &["us".to_string(), "me".to_string()]),
            expected,
            "{aud}"
        );
    }
    assert_eq!(check_audience(&claims(json!({})), &["me"]), Err(ClaimError::Missing("aud")));
}

#[test]
fn debug_names_nobody() {
    assert_eq!(format!("{:?}", claims(json!({"sub": "alice"}))), "Claims([1 redacted])");
}

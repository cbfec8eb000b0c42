//! Every module of every plan, in the plan's order, named as the conformance suite names it.

use crate::{
    Row, Verdict,
    plan::Plan::{
        self, BackChannelLogout, Basic, Comprehensive, Config, Dynamic, Fapi2, FormPostBasic, FrontChannelLogout,
        RefreshToken, RpInitiatedLogout, SessionManagement, ThirdPartyLogin,
    },
    sign_in, sign_out,
};

/// The module's test is that function of `conformance/<file>.rs`.
macro_rules! test {
    ($file:ident::$name:ident) => {
        (concat!("tests/conformance/", stringify!($file), ".rs::", stringify!($name)), $file::$name as fn(Plan))
    };
}

macro_rules! runs {
    ($($test:tt)*) => { Verdict::Runs(test!($($test)*)) };
}

/// The module wants what we refuse on purpose: its test sees to the refusal.
macro_rules! declined {
    ($reason:expr, $($test:tt)*) => { Verdict::Declined(test!($($test)*), $reason) };
}

const UNSIGNED: &str = "unsigned ID tokens are never taken; the suite asks it of those alone that register for `none`";
const SIGNED_USERINFO: &str =
    "userinfo is asked for as JSON over TLS; the suite asks it of those alone that register for signed answers";
const WEBFINGER: &str = "the operator names the issuer; visitors type no identifier to find one by";
const REQUEST_OBJECTS: &str = "an optional feature: no request objects are made";
const NO_HYBRID: &str = "of the implicit and hybrid flows; the suite leaves it out for `code`";
const SENDER_CONSTRAINED: &str =
    "needs pushed requests, `private_key_jwt` or mutual TLS, and sender-constrained tokens, which are not there";
const GRANT_MANAGEMENT: &str = "of Grant Management, an optional extension that is not there";

/// The whole table.
pub(crate) fn table() -> Vec<Row> {
    let mut rows = basic(Basic);
    rows.extend(basic(FormPostBasic));
    rows.extend(config());
    rows.extend(dynamic());
    rows.extend(comprehensive());
    rows.extend(sessions());
    rows.extend(fapi());
    rows
}

fn rows<const N: usize>(plan: Plan, rows: [(&'static str, Verdict, &'static str); N]) -> Vec<Row> {
    rows.into_iter().map(|(module, verdict, clause)| Row { plan, module, verdict, clause }).collect()
}

// `OIDCCClientFormPostBasicTestPlan` is the basic plan with another response mode.
fn basic(plan: Plan) -> Vec<Row> {
    rows(
        plan,
        [
            ("oidcc-client-test", runs!(sign_in::signs_in), "OIDC Core §3.1"),
            ("oidcc-client-test-invalid-iss", runs!(sign_in::issuer_in_id_token), "OIDC Core §3.1.3.7 (2)"),
            ("oidcc-client-test-missing-sub", runs!(sign_in::missing_subject), "OIDC Core §2"),
            ("oidcc-client-test-invalid-aud", runs!(sign_in::audience), "OIDC Core §3.1.3.7 (3)"),
            ("oidcc-client-test-missing-iat", runs!(sign_in::missing_issue_time), "OIDC Core §2"),
            ("oidcc-client-test-kid-absent-single-jwks", runs!(sign_in::lone_key_without_a_name), "OIDC Core §10.1"),
            (
                "oidcc-client-test-kid-absent-multiple-jwks",
                runs!(sign_in::several_keys_without_names),
                "OIDC Core §10.1",
            ),
            ("oidcc-client-test-idtoken-sig-rs256", runs!(sign_in::signs_in), "OIDC Core §3.1.3.7 (6)"),
            ("oidcc-client-test-idtoken-sig-none", declined!(UNSIGNED, sign_in::unsigned_id_token), "RFC 8725 §3.2"),
            ("oidcc-client-test-invalid-sig-rs256", runs!(sign_in::broken_signature), "OIDC Core §3.1.3.7 (6)"),
            ("oidcc-client-test-userinfo-invalid-sub", runs!(sign_in::userinfo_of_another_subject), "OIDC Core §5.3.2"),
            ("oidcc-client-test-nonce-invalid", runs!(sign_in::nonce), "OIDC Core §3.1.3.7 (11)"),
            ("oidcc-client-test-scope-userinfo-claims", runs!(sign_in::userinfo_claims_by_scope), "OIDC Core §5.4"),
            ("oidcc-client-test-client-secret-basic", runs!(sign_in::client_secret_basic), "RFC 6749 §2.3.1"),
        ],
    )
}

fn config() -> Vec<Row> {
    rows(
        Config,
        [
            ("oidcc-client-test-discovery-openid-config", runs!(sign_in::discovery), "OIDC Discovery §4.1"),
            ("oidcc-client-test-discovery-jwks-uri-keys", runs!(sign_in::keys_of_jwks_uri), "OIDC Discovery §3"),
            ("oidcc-client-test-discovery-issuer-mismatch", runs!(sign_in::issuer_in_metadata), "OIDC Discovery §4.3"),
            ("oidcc-client-test-idtoken-sig-none", declined!(UNSIGNED, sign_in::unsigned_id_token), "RFC 8725 §3.2"),
            (
                "oidcc-client-test-signing-key-rotation-just-before-signing",
                runs!(sign_in::key_rotation_just_before_signing),
                "OIDC Core §10.1.1",
            ),
            ("oidcc-client-test-signing-key-rotation", runs!(sign_in::key_rotation), "OIDC Core §10.1.1"),
        ],
    )
}

fn dynamic() -> Vec<Row> {
    rows(
        Dynamic,
        [
            ("oidcc-client-test-discovery-webfinger-acct", Verdict::NotApplicable(WEBFINGER), "OIDC Discovery §2"),
            ("oidcc-client-test-discovery-webfinger-url", Verdict::NotApplicable(WEBFINGER), "OIDC Discovery §2"),
            ("oidcc-client-test-discovery-openid-config", runs!(sign_in::discovery), "OIDC Discovery §4.1"),
            ("oidcc-client-test-discovery-jwks-uri-keys", runs!(sign_in::keys_of_jwks_uri), "OIDC Discovery §3"),
            ("oidcc-client-test-discovery-issuer-mismatch", runs!(sign_in::issuer_in_metadata), "OIDC Discovery §4.3"),
            (
                "oidcc-client-test-dynamic-registration",
                Verdict::NotApplicable("the operator registers the client, once; no request makes the Worker do it"),
                "OIDC Registration §3",
            ),
            ("oidcc-client-test-request-uri-signed-rs256", Verdict::NotApplicable(REQUEST_OBJECTS), "OIDC Core §6.2"),
            ("oidcc-client-test-request-uri-signed-none", Verdict::NotApplicable(REQUEST_OBJECTS), "OIDC Core §6.2"),
            ("oidcc-client-test-idtoken-sig-none", declined!(UNSIGNED, sign_in::unsigned_id_token), "RFC 8725 §3.2"),
            (
                "oidcc-client-test-signing-key-rotation-just-before-signing",
                runs!(sign_in::key_rotation_just_before_signing),
                "OIDC Core §10.1.1",
            ),
            ("oidcc-client-test-signing-key-rotation", runs!(sign_in::key_rotation), "OIDC Core §10.1.1"),
            (
                "oidcc-client-test-userinfo-signed",
                declined!(SIGNED_USERINFO, sign_in::signed_userinfo),
                "OIDC Core §5.3.2",
            ),
        ],
    )
}

fn comprehensive() -> Vec<Row> {
    rows(
        Comprehensive,
        [
            ("oidcc-client-test-missing-aud", runs!(sign_in::missing_audience), "OIDC Core §2"),
            ("oidcc-client-test-userinfo-bearer-header", runs!(sign_in::userinfo_by_header), "RFC 6750 §2.1"),
            (
                "oidcc-client-test-userinfo-bearer-body",
                Verdict::NotApplicable("the alternative to the header, which is what we use"),
                "RFC 6750 §2.2",
            ),
            ("oidcc-client-test-nonce-unless-code-flow", Verdict::NotApplicable(NO_HYBRID), "OIDC Core §3.2.2.1"),
            ("oidcc-client-test-missing-chash", Verdict::NotApplicable(NO_HYBRID), "OIDC Core §3.3.2.11"),
            ("oidcc-client-test-invalid-chash", Verdict::NotApplicable(NO_HYBRID), "OIDC Core §3.3.2.11"),
            ("oidcc-client-test-invalid-athash", runs!(sign_in::access_token_hash), "OIDC Core §3.1.3.8"),
            (
                "oidcc-client-test-missing-athash",
                Verdict::NotApplicable(
                    "of the flows that bring tokens through the browser; with `code` it may be left out",
                ),
                "OIDC Core §3.1.3.6",
            ),
            ("oidcc-client-test-form-post-error", runs!(sign_in::error_by_form_post), "OIDC Core §3.1.2.6"),
            ("oidcc-client-test-invalid-sig-hs256", runs!(sign_in::hs256_signature), "OIDC Core §3.1.3.7 (7)"),
            ("oidcc-client-test-invalid-sig-es256", runs!(sign_in::broken_es256_signature), "OIDC Core §3.1.3.7 (6)"),
            (
                "oidcc-client-test-aggregated-claims",
                Verdict::NotApplicable("an optional feature: claims of other claims providers are not used"),
                "OIDC Core §5.6.2",
            ),
            (
                "oidcc-client-test-distributed-claims",
                Verdict::NotApplicable("an optional feature: claims of other claims providers are not fetched"),
                "OIDC Core §5.6.2",
            ),
            (
                "oidcc-client-test-mtls-endpoint-aliases",
                Verdict::NotApplicable("the client does not authenticate by mutual TLS"),
                "RFC 8705 §5",
            ),
            (
                "oidcc-client-test-ignores-unparseable-key-in-jwks",
                runs!(sign_in::keys_that_nobody_can_read),
                "RFC 7517 §5",
            ),
        ],
    )
}

fn sessions() -> Vec<Row> {
    let mut all = rows(
        RefreshToken,
        [
            ("oidcc-client-test-refresh-token", runs!(sign_in::refresh), "OIDC Core §12"),
            ("oidcc-client-test-refresh-token-invalid-issuer", runs!(sign_in::refreshed_issuer), "OIDC Core §12.2"),
            ("oidcc-client-test-refresh-token-invalid-sub", runs!(sign_in::refreshed_subject), "OIDC Core §12.2"),
            // The suite has these two, and no plan lists them.
            ("oidcc-client-test-refresh-token-invalid-aud", runs!(sign_in::refreshed_audience), "OIDC Core §12.2"),
            ("oidcc-client-test-refresh-token-invalid-azp", runs!(sign_in::refreshed_party), "OIDC Core §12.2"),
        ],
    );
    all.extend(rows(
        RpInitiatedLogout,
        [
            ("oidcc-client-test-rp-init-logout", runs!(sign_out::rp_initiated), "RP-Initiated Logout §2"),
            (
                "oidcc-client-test-rp-init-logout-other-state",
                runs!(sign_out::rp_initiated_with_another_state),
                "RP-Initiated Logout §3",
            ),
            (
                "oidcc-client-test-rp-init-logout-no-state",
                runs!(sign_out::rp_initiated_without_state),
                "RP-Initiated Logout §3",
            ),
        ],
    ));
    all.extend(back_channel());
    all.extend(rows(
        FrontChannelLogout,
        [("oidcc-client-test-rp-frontchannel-rpinitlogout", runs!(sign_out::front_channel), "Front-Channel Logout §2")],
    ));
    all.extend(rows(
        SessionManagement,
        [(
            "oidcc-client-test-session-management",
            Verdict::NotApplicable("needs a frame that reads the provider's cookies, which browsers no longer allow"),
            "Session Management §3",
        )],
    ));
    all.extend(rows(
        ThirdPartyLogin,
        [("oidcc-client-test-3rd-party-init-login", runs!(sign_in::third_party_login), "OIDC Core §4")],
    ));
    all
}

fn back_channel() -> Vec<Row> {
    rows(
        BackChannelLogout,
        [
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout",
                runs!(sign_out::back_channel),
                "Back-Channel Logout §2.5",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-alg-none",
                runs!(sign_out::back_channel_unsigned),
                "Back-Channel Logout §2.6 (2)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-no-event",
                runs!(sign_out::back_channel_without_event),
                "Back-Channel Logout §2.6 (6)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-with-nonce",
                runs!(sign_out::back_channel_with_nonce),
                "Back-Channel Logout §2.6 (7)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-alg",
                runs!(sign_out::back_channel_with_another_algorithm),
                "Back-Channel Logout §2.6 (3)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-aud",
                runs!(sign_out::back_channel_for_another_audience),
                "Back-Channel Logout §2.6 (4)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-event",
                runs!(sign_out::back_channel_with_another_event),
                "Back-Channel Logout §2.6 (6)",
            ),
            (
                "oidcc-client-test-rp-backchannel-rpinitlogout-wrong-iss",
                runs!(sign_out::back_channel_of_another_issuer),
                "Back-Channel Logout §2.6 (4)",
            ),
        ],
    )
}

fn fapi() -> Vec<Row> {
    const PREFIX: &str = "fapi2-security-profile-final-client-test-";
    let rows_of = [
        ("happy-path", Verdict::NotApplicable(SENDER_CONSTRAINED), "FAPI 2.0 SP §5.3.3"),
        ("discovery-issuer-mismatch", runs!(sign_in::issuer_in_metadata), "OIDC Discovery §4.3"),
        ("invalid-iss", runs!(sign_in::issuer_in_id_token), "OIDC Core §3.1.3.7 (2)"),
        ("invalid-aud", runs!(sign_in::audience), "OIDC Core §3.1.3.7 (3)"),
        ("invalid-secondary-aud", runs!(sign_in::second_audience), "OIDC Core §3.1.3.7 (3, 4)"),
        ("invalid-null-alg", runs!(sign_in::unsigned_id_token), "OIDC Core §3.1.3.7 (7)"),
        ("invalid-alternate-alg", runs!(sign_in::other_algorithm_of_the_key), "OIDC Core §3.1.3.7 (7)"),
        ("invalid-expired-exp", runs!(sign_in::expired), "OIDC Core §3.1.3.7 (9)"),
        ("invalid-missing-exp", runs!(sign_in::missing_expiry), "OIDC Core §3.1.3.7 (9)"),
        ("invalid-missing-aud", runs!(sign_in::missing_audience), "OIDC Core §3.1.3.7 (3)"),
        ("invalid-missing-iss", runs!(sign_in::missing_issuer), "OIDC Core §3.1.3.7 (2)"),
        ("valid-aud-as-array", runs!(sign_in::audience_as_a_list), "OIDC Core §3.1.3.7 (3)"),
        ("invalid-nonce", runs!(sign_in::nonce), "OIDC Core §3.1.3.7 (11)"),
        ("invalid-missing-nonce", runs!(sign_in::missing_nonce), "OIDC Core §3.1.3.7 (11)"),
        ("invalid-authorization-response-iss", runs!(sign_in::issuer_in_response), "RFC 9207 §2.4"),
        ("remove-authorization-response-iss", runs!(sign_in::missing_issuer_in_response), "RFC 9207 §2.4"),
        ("ensure-authorization-response-with-invalid-state-fails", runs!(sign_in::state), "RFC 6749 §10.12"),
        (
            "ensure-authorization-response-with-invalid-missing-state-fails",
            runs!(sign_in::missing_state),
            "RFC 6749 §10.12",
        ),
        ("token-endpoint-response-without-expires_in", runs!(sign_in::no_token_lifetime), "RFC 6749 §5.1"),
        ("token-type-case-insensitivity", runs!(sign_in::token_type_in_another_case), "RFC 6749 §5.1"),
        (
            "rs-dpop-auth-scheme-case-insensitivity",
            Verdict::NotApplicable("tokens are not bound by DPoP"),
            "RFC 9449 §7.1",
        ),
        ("happy-path-no-dpop-nonce", Verdict::NotApplicable("tokens are not bound by DPoP"), "RFC 9449 §8"),
        ("grant-management-happy-path", Verdict::NotApplicable(GRANT_MANAGEMENT), "Grant Management §5"),
        ("grant-management-query-and-revoke", Verdict::NotApplicable(GRANT_MANAGEMENT), "Grant Management §6"),
        ("grant-management-invalid-grant-id-fails", Verdict::NotApplicable(GRANT_MANAGEMENT), "Grant Management §5.4"),
    ];
    let mut all: Vec<Row> = rows_of
        .into_iter()
        .map(|(name, verdict, clause)| Row { plan: Fapi2, module: format!("{PREFIX}{name}").leak(), verdict, clause })
        .collect();
    all.extend(rows(
        Fapi2,
        [(
            "fapi2-security-profile-final-client-refresh-token-test",
            Verdict::NotApplicable("of Open Banking Brazil; the suite leaves it out for plain FAPI"),
            "RFC 6749 §6",
        )],
    ));
    all
}

//! The stable codes: what the log calls an error, and what stands on the page for the visitor to quote.

use super::{CallbackError, Error, KeysError, ProviderError, StepError, UnsentError};
use crate::{
    host::CallError,
    jose::{ClaimError, JwsError},
    oauth::{
        access_token::AccessTokenError,
        bearer::{BearerError, Challenge},
        dpop::ProofError,
        introspection::IntrospectionError,
        token::TokenError,
    },
    oidc::{discovery::DiscoveryError, id_token::IdTokenError, logout::LogoutError, userinfo::UserinfoError},
};

impl Error {
    /// The stable code of the log, which also stands on the page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(_) => "request.path_refused",
            Self::AmbiguousPath => "request.path_ambiguous",
            Self::Method(_) => "request.method_not_allowed",
            Self::FormTooLarge => "request.form_too_large",
            Self::FormUnreadable => "request.form_unreadable",
            Self::NotFound => "request.not_found",
            Self::Forbidden => "policy.forbidden",
            Self::Foreign => "request.foreign",
            Self::Callback(error) => error.code(),
            Self::SignInRefused(_) => "callback.provider_error",
            Self::HostedDomain => "claims.hosted_domain",
            Self::EmailNotVerified => "claims.email_not_verified",
            Self::UnclearOriginal => "forward_auth.unclear",
            Self::SignInTooWeak => "sign_in.too_weak",
            Self::Unsent(UnsentError::NotHere) => "unsent.not_here",
            Self::Unsent(UnsentError::AnotherVisitor) => "unsent.another_visitor",
            Self::Unsent(UnsentError::AlreadySent) => "unsent.already_sent",
            Self::Logout(error) => logout_code(*error),
            Self::Provider(error) | Self::TokenCheck(error) => error.code(),
            Self::Bearer(BearerError::Several) => "access_token.several",
            Self::Bearer(BearerError::Malformed) => "access_token.malformed",
            Self::AccessToken(error) => access_token_code(*error),
            Self::Challenge(Challenge::Missing) => "access_token.required",
            Self::Challenge(Challenge::Scope) => "access_token.scope",
            Self::Challenge(Challenge::StepUp) => "access_token.step_up",
            Self::Proof(error) => proof_code(*error),
            Self::SignInLoop => "sign_in.loop",
            Self::TooManyRequests => "request.too_many",
            Self::SessionTooLarge => "session.too_large",
            Self::CustomStateTooLarge => "custom_state.too_large",
            Self::CustomStateUnreadable => "custom_state.unreadable",
            Self::NobodySignsIn => "sign_in.nobody_can",
            Self::LoopbackOnly => "config.loopback_only",
            Self::StoreUnavailable => "store.unavailable",
            Self::RefreshUnavailable => "refresh.unavailable",
            Self::OriginUnreachable => "origin.unreachable",
            Self::OriginTimedOut => "origin.timeout",
            Self::NotSigned => "assertion.not_signed",
            Self::NoRandomness => "host.no_randomness",
            Self::Internal => "host.internal",
        }
    }
}

impl CallbackError {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Malformed => "callback.malformed",
            Self::StateMissing => "callback.state_missing",
            Self::StateMismatch => "callback.state_mismatch",
            Self::StateExpired => "callback.state_expired",
            Self::StateReplayed => "callback.state_replayed",
            Self::IssuerMismatch => "callback.issuer_mismatch",
            Self::NoCode => "callback.no_code",
        }
    }
}

impl ProviderError {
    pub(super) fn timed_out(self) -> bool {
        matches!(
            self,
            Self::Discovery(StepError::Call(CallError::TimedOut))
                | Self::Keys(StepError::Call(CallError::TimedOut))
                | Self::Token(StepError::Call(CallError::TimedOut))
        )
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Discovery(StepError::Call(CallError::Unreachable)) => "discovery.unreachable",
            Self::Discovery(StepError::Call(CallError::TimedOut)) => "discovery.timeout",
            Self::Discovery(StepError::Call(CallError::TooLarge)) => "discovery.too_large",
            Self::Discovery(StepError::Answer(DiscoveryError::UnexpectedStatus)) => "discovery.unexpected_status",
            Self::Discovery(StepError::Answer(DiscoveryError::NotJson)) => "discovery.not_json",
            Self::Discovery(StepError::Answer(DiscoveryError::IssuerMismatch)) => "discovery.issuer_mismatch",
            Self::Discovery(StepError::Answer(DiscoveryError::BadEndpoint)) => "discovery.bad_endpoint",
            Self::Discovery(StepError::Answer(DiscoveryError::NoCommonAlgorithm)) => "discovery.no_common_algorithm",
            Self::Keys(StepError::Call(CallError::Unreachable)) => "jwks.unreachable",
            Self::Keys(StepError::Call(CallError::TimedOut)) => "jwks.timeout",
            Self::Keys(StepError::Call(CallError::TooLarge)) => "jwks.too_large",
            Self::Keys(StepError::Answer(KeysError::UnexpectedStatus)) => "jwks.unexpected_status",
            Self::Keys(StepError::Answer(KeysError::Malformed(_))) => "jwks.malformed",
            Self::Token(StepError::Call(CallError::Unreachable)) => "token.unreachable",
            Self::Token(StepError::Call(CallError::TimedOut)) => "token.timeout",
            Self::Token(StepError::Call(CallError::TooLarge)) => "token.too_large",
            Self::Token(StepError::Answer(error)) => token_code(error),
            Self::NoIdToken => "token.no_id_token",
            Self::IdToken(error) => id_token_code(error),
            Self::Introspection(StepError::Call(CallError::Unreachable)) => "introspection.unreachable",
            Self::Introspection(StepError::Call(CallError::TimedOut)) => "introspection.timeout",
            Self::Introspection(StepError::Call(CallError::TooLarge)) => "introspection.too_large",
            Self::Introspection(StepError::Answer(error)) => introspection_code(error),
            Self::NoIntrospection => "introspection.not_offered",
            Self::Userinfo(StepError::Call(CallError::Unreachable)) => "userinfo.unreachable",
            Self::Userinfo(StepError::Call(CallError::TimedOut)) => "userinfo.timeout",
            Self::Userinfo(StepError::Call(CallError::TooLarge)) => "userinfo.too_large",
            Self::Userinfo(StepError::Answer(UserinfoError::UnexpectedStatus)) => "userinfo.unexpected_status",
            Self::Userinfo(StepError::Answer(UserinfoError::NotPlain)) => "userinfo.signed",
            Self::Userinfo(StepError::Answer(UserinfoError::NotJson)) => "userinfo.not_json",
            Self::Userinfo(StepError::Answer(UserinfoError::SubjectMismatch)) => "userinfo.subject_mismatch",
        }
    }
}

const fn introspection_code(error: IntrospectionError) -> &'static str {
    match error {
        IntrospectionError::InvalidClient => "introspection.invalid_client",
        IntrospectionError::UnexpectedStatus => "introspection.unexpected_status",
        IntrospectionError::NotJson => "introspection.not_json",
        IntrospectionError::BadSignature | IntrospectionError::UnknownKey => "introspection.bad_signature",
    }
}

const fn access_token_code(error: AccessTokenError) -> &'static str {
    match error {
        AccessTokenError::Jws(_) => "access_token.refused",
        AccessTokenError::Claim(ClaimError::Expired) => "access_token.expired",
        AccessTokenError::Claim(ClaimError::OtherAudience) => "access_token.audience_mismatch",
        AccessTokenError::Claim(_) => "access_token.claim",
        AccessTokenError::WrongType => "access_token.wrong_type",
        AccessTokenError::Inactive => "access_token.inactive",
        AccessTokenError::Unproved => "access_token.unproved",
    }
}

const fn proof_code(error: ProofError) -> &'static str {
    match error {
        ProofError::Malformed | ProofError::Jws(_) | ProofError::Claim(_) => "proof.refused",
        ProofError::OtherKey => "proof.other_key",
        ProofError::OtherRequest => "proof.other_request",
        ProofError::Stale => "proof.stale",
        ProofError::Replayed => "proof.replayed",
        ProofError::Nonce => "proof.nonce",
    }
}

const fn token_code(error: TokenError) -> &'static str {
    match error {
        TokenError::InvalidGrant => "token.invalid_grant",
        TokenError::InvalidClient => "token.invalid_client",
        TokenError::Refused => "token.refused",
        TokenError::UnexpectedStatus => "token.unexpected_status",
        TokenError::NotJson => "token.not_json",
        TokenError::Malformed => "token.malformed",
        TokenError::TokenType => "token.token_type",
    }
}

const fn id_token_code(error: IdTokenError) -> &'static str {
    match error {
        IdTokenError::Jws(error) => jws_code(error),
        IdTokenError::Claim(error) => claim_code(error),
        IdTokenError::WrongType => "id_token.wrong_type",
        IdTokenError::AuthorizedParty => "id_token.authorized_party",
        IdTokenError::Subject => "id_token.subject",
        IdTokenError::Nonce => "id_token.nonce_mismatch",
        IdTokenError::AccessTokenHash => "id_token.at_hash_mismatch",
        IdTokenError::Discontinued => "id_token.discontinued",
    }
}

const fn logout_code(error: LogoutError) -> &'static str {
    match error {
        LogoutError::Jws(_) => "logout_token.refused",
        LogoutError::Claim(_) => "logout_token.claim",
        LogoutError::WrongType => "logout_token.wrong_type",
        LogoutError::NoEvent => "logout_token.no_event",
        LogoutError::Nonce => "logout_token.nonce",
        LogoutError::Nobody => "logout_token.nobody",
        LogoutError::Malformed => "logout_token.malformed",
        LogoutError::OtherIssuer => "logout_token.issuer_mismatch",
        LogoutError::UnknownSession => "logout_token.unknown_session",
    }
}

const fn jws_code(error: JwsError) -> &'static str {
    match error {
        JwsError::TooLong => "id_token.too_long",
        JwsError::NotThreeParts | JwsError::NotBase64Url => "id_token.malformed",
        JwsError::MalformedHeader => "id_token.malformed_header",
        JwsError::RefusedParameter(_) => "id_token.refused_header_parameter",
        JwsError::OtherContent => "id_token.other_content",
        JwsError::AlgorithmNotAllowed => "id_token.algorithm",
        JwsError::UnknownKey => "id_token.unknown_key",
        JwsError::BadSignature => "id_token.bad_signature",
        JwsError::Verifier(_) => "id_token.unusable_key",
        JwsError::MalformedClaims(_) => "id_token.malformed_claims",
    }
}

const fn claim_code(error: ClaimError) -> &'static str {
    match error {
        ClaimError::Missing(_) => "id_token.claim_missing",
        ClaimError::WrongType(_) => "id_token.claim_type",
        ClaimError::OutOfRange(_) => "id_token.claim_out_of_range",
        ClaimError::Expired => "id_token.expired",
        ClaimError::NotYetValid => "id_token.not_yet_valid",
        ClaimError::IssuedInFuture => "id_token.issued_in_future",
        ClaimError::OtherIssuer => "id_token.issuer_mismatch",
        ClaimError::OtherAudience => "id_token.audience_mismatch",
    }
}

//! The test plans, and the deployment that each one's modules run in.

use edge_oidc::jose::Alg;
use serde_json::json;

use crate::support::{Endpoint, TestKey, World};

/// A test plan for relying parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Basic,
    FormPostBasic,
    Config,
    Dynamic,
    Comprehensive,
    RefreshToken,
    RpInitiatedLogout,
    BackChannelLogout,
    FrontChannelLogout,
    SessionManagement,
    ThirdPartyLogin,
    Fapi2,
}

impl Plan {
    pub(crate) const ALL: [Self; 12] = [
        Self::Basic,
        Self::FormPostBasic,
        Self::Config,
        Self::Dynamic,
        Self::Comprehensive,
        Self::RefreshToken,
        Self::RpInitiatedLogout,
        Self::BackChannelLogout,
        Self::FrontChannelLogout,
        Self::SessionManagement,
        Self::ThirdPartyLogin,
        Self::Fapi2,
    ];

    /// As the conformance suite has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Basic => "oidcc-client-basic-certification-test-plan",
            Self::FormPostBasic => "oidcc-client-formpost-basic-certification-test-plan",
            Self::Config => "oidcc-client-config-certification-test-plan",
            Self::Dynamic => "oidcc-client-dynamic-certification-test-plan",
            Self::Comprehensive => "oidcc-client-test-plan",
            Self::RefreshToken => "oidcc-client-refreshtoken-test-plan",
            Self::RpInitiatedLogout => "oidcc-client-rp-initiated-logout-rp-basic",
            Self::BackChannelLogout => "oidcc-client-back-channel-logout-rp-basic",
            Self::FrontChannelLogout => "oidcc-client-front-channel-logout-rp-basic",
            Self::SessionManagement => "oidcc-client-rp-session-management-rp-basic",
            Self::ThirdPartyLogin => "oidcc-client-test-3rd-party-init-login-test-plan",
            Self::Fapi2 => "fapi2-security-profile-final-client-test-plan",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Basic => "Basic RP",
            Self::FormPostBasic => "Form Post Basic RP",
            Self::Config => "Config RP",
            Self::Dynamic => "Dynamic RP",
            Self::Comprehensive => "Comprehensive RP: what no certification plan lists",
            Self::RefreshToken => "Refresh Token RP",
            Self::RpInitiatedLogout => "RP-Initiated Logout RP",
            Self::BackChannelLogout => "Back-Channel Logout RP",
            Self::FrontChannelLogout => "Front-Channel Logout RP",
            Self::SessionManagement => "Session Management RP",
            Self::ThirdPartyLogin => "Third-party-initiated login RP",
            Self::Fapi2 => "FAPI 2.0 Security Profile Final, client",
        }
    }

    /// A deployment with the response mode, the algorithm and the provider of this plan.
    pub(crate) fn world(self) -> World {
        let world = match self {
            Self::FormPostBasic => World::new(&json!({"OIDC_RESPONSE_MODE": "form_post"})),
            _ => World::usual(),
        };
        self.prepare(&world);
        world
    }

    /// Makes the provider what this plan says it is.
    pub(crate) fn prepare(self, world: &World) {
        if self != Self::Fapi2 {
            return;
        }
        // FAPI 2.0 Security Profile §5.3.2.2 and §5.4.1: `iss` in the response, PS256 (or ES256, or EdDSA).
        world.provider().names_issuer.set(true);
        world.provider().rotate(TestKey::rs256().with_alg(Alg::Ps256));
        world.provider().lie(|lies| {
            lies.edit(Endpoint::Metadata, |metadata| {
                metadata["id_token_signing_alg_values_supported"] = json!(["PS256"]);
            });
        });
    }
}

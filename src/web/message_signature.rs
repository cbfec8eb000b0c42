//! HTTP Message Signatures (RFC 9421): what is signed of a request, and how the signature is written.

use base64ct::{Base64, Encoding as _};

/// What the signature is called, and what it is for (`tag`).
const LABEL: &str = "edge-oidc";

/// The parts of a request that are signed, and what is said about the signature.
#[derive(Debug)]
pub struct Coverage<'a> {
    /// Names and values in order: `@method`, `@authority`, `@path`, `@query`, or a header's name in lower case.
    pub components: &'a [(String, String)],
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// Until when it counts, in Unix seconds.
    pub expires: i64,
    /// What tells it from every other signature.
    pub nonce: &'a str,
    /// The name of the key.
    pub key: &'a str,
    /// `ecdsa-p256-sha256` or `ed25519` (RFC 9421 §6.2.2).
    pub algorithm: &'a str,
}

impl Coverage<'_> {
    /// What has to be signed (RFC 9421 §2.5).
    pub fn base(&self) -> String {
        let mut base = String::with_capacity(512);
        for (name, value) in self.components {
            base.extend(["\"", name, "\": ", value, "\n"]);
        }
        base.extend(["\"@signature-params\": ", &self.parameters()]);
        base
    }

    /// `Signature-Input` and `Signature` (RFC 9421 §4.1, §4.2).
    pub fn headers(&self, signature: &[u8]) -> [(&'static str, String); 2] {
        [
            ("Signature-Input", format!("{LABEL}={}", self.parameters())),
            ("Signature", format!("{LABEL}=:{}:", Base64::encode_string(signature))),
        ]
    }

    // RFC 9421 §2.3
    fn parameters(&self) -> String {
        let names: Vec<String> = self.components.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let Self { created, expires, nonce, key, algorithm, .. } = self;
        let key = quoted(key);
        format!(
            "({});created={created};expires={expires};nonce=\"{nonce}\";keyid={key};alg=\"{algorithm}\";tag=\"{LABEL}\"",
            names.join(" ")
        )
    }
}

// RFC 8941 §3.3.3
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_writes_it() {
        let components = [("@method", "GET"), ("@query", "?"), ("x-user", "a, b")];
        let components = components.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let coverage = Coverage {
            components: &components,
            created: 1,
            expires: 61,
            nonce: "n",
            key: "k\"\\",
            algorithm: "ed25519",
        };
        let parameters = r#"("@method" "@query" "x-user");created=1;expires=61;nonce="n";keyid="k\"\\";alg="ed25519";tag="edge-oidc""#;
        assert_eq!(
            coverage.base(),
            format!("\"@method\": GET\n\"@query\": ?\n\"x-user\": a, b\n\"@signature-params\": {parameters}")
        );
        let [input, signature] = coverage.headers(&[0xfb, 0xff]);
        assert_eq!(input, ("Signature-Input", format!("edge-oidc={parameters}")));
        assert_eq!(signature, ("Signature", "edge-oidc=:+/8=:".to_owned()));
    }
}

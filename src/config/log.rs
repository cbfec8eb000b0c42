//! `OIDC_LOG`: what is logged besides refusals and changes of sessions.

use serde_json::Value;

use super::{
    LogSettings,
    names::unknown_member,
    reader::Reader,
    value::{self, Checked, Mismatch},
};

const NAME: &str = "OIDC_LOG";

/// Reads `OIDC_LOG`.
pub(super) fn read(reader: &mut Reader<'_>) -> LogSettings {
    let mut settings = LogSettings::default();
    for (key, value) in reader.read(NAME, value::object).unwrap_or_default() {
        let read = match key.as_str() {
            "admitted" => share(&value).map(|share| settings.admitted = share),
            "email" => value::boolean(&value).map(|email| settings.email = email),
            _ => {
                unknown_member(reader, NAME, "", &key, &["admitted", "email"]);
                continue;
            }
        };
        if let Err(mismatch) = read {
            reader.refuse_member(NAME, &format!(".{}", value::printable(&key)), Some(&value), &mismatch);
        }
    }
    settings
}

fn share(value: &Value) -> Checked<f64> {
    let share = value.as_f64().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| Mismatch::new("a share from 0 to 1", "write 0.01 for one of a hundred, 0 for none"))
}

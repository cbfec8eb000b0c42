#![no_main]

use edge_oidc_fuzz::properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    properties::entries::check(bytes);
});

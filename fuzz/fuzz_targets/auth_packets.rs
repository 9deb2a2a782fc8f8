//! The packets of the connection phase come back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_auth::{
    AuthMoreData, AuthSwitchRequest, ComChangeUser, HandshakeResponse, InitialHandshake, SslRequest,
};
use otaria_codec::ErrPacket;
use otaria_fuzz::{Input, comes_back};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let capabilities = input.capabilities();
    let payload = input.rest();
    if let Some(greeting) = comes_back!(InitialHandshake<'_>, payload, capabilities) {
        assert!(greeting.version().raw.len() <= 3 * payload.len());
    }
    comes_back!(HandshakeResponse<'_>, payload, capabilities);
    comes_back!(SslRequest, payload, capabilities);
    comes_back!(AuthSwitchRequest<'_>, payload, capabilities);
    comes_back!(AuthMoreData<'_>, payload, capabilities);
    comes_back!(ComChangeUser<'_>, payload, capabilities);
    comes_back!(ErrPacket<'_>, payload, capabilities);
});

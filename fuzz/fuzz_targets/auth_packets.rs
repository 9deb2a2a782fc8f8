//! The packets of the connection phase come back, and what is taken for a server's public key can
//! encrypt a password.
#![no_main]

use libfuzzer_sys::fuzz_target;
use otaria_auth::{
    AuthError, AuthMoreData, AuthPluginFactory, AuthSwitchRequest, Channel, ComChangeUser,
    HandshakeResponse, InitialHandshake, Password, Sha256Password, SslRequest,
};
use otaria_codec::{ErrPacket, PayloadWriter};
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
    public_key(payload);
});

/// A key that was configured, and the same one sent by a server that was asked for it.
fn public_key(pem: &[u8]) {
    let plugin = Sha256Password::default();
    let retrieved = encrypted(&plugin.clone().with_public_key_retrieval(), Some(pem));
    let known = plugin.with_public_key(pem);
    match known.and_then(|plugin| encrypted(&plugin, None)) {
        Ok(known) => {
            // Those of keys of 2048 to 8192 bits; the padding is another one each time.
            assert!((256..=1024).contains(&known.len()), "{}", known.len());
            assert_eq!(retrieved.map(|bytes| bytes.len()), Ok(known.len()));
        }
        Err(error) => assert_eq!(retrieved, Err(error)),
    }
}

/// What `plugin` sends in place of the password over a connection that others can read.
fn encrypted(plugin: &Sha256Password, pem: Option<&[u8]>) -> Result<Vec<u8>, AuthError> {
    let mut dialogue = plugin.start(&Password::from("secret"), &[0; 32]);
    let mut sent = Vec::new();
    let mut respond = |data: &[u8]| {
        sent.clear();
        dialogue.respond(data, Channel::Plain, &mut PayloadWriter::new(&mut sent))
    };
    respond(b"abcdefghijklmnopqrst\0")?;
    if let Some(pem) = pem {
        respond(pem)?;
    }
    Ok(sent)
}

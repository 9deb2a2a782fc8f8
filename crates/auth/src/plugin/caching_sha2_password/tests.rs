use otaria_codec::InvalidPacket;

use super::*;
use crate::testing::{CHANNELS, NONCE, SCRAMBLE, hex, respond, respond_over, step_over};

/// A plugin that has sent its hash.
fn hashed(password: &str) -> Box<dyn AuthPlugin> {
    let factory = CachingSha2Password::default();
    let mut plugin = factory.start(&Password::from(password), &NONCE);
    respond(plugin.as_mut(), &SCRAMBLE).unwrap();
    plugin
}

#[test]
fn the_password_is_hashed_with_the_scramble_and_its_trailing_nul_cut() {
    let with_nul = [SCRAMBLE.as_slice(), &[0]].concat();
    for data in [SCRAMBLE.as_slice(), &with_nul] {
        let factory = CachingSha2Password::default();
        let mut plugin = factory.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            respond(plugin.as_mut(), data),
            Ok(hex(
                "746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9"
            ))
        );
    }
}

#[test]
fn without_a_password_the_response_is_empty() {
    let mut plugin = CachingSha2Password::default().start(&Password::default(), &NONCE);
    assert_eq!(respond(plugin.as_mut(), &SCRAMBLE), Ok(Vec::new()));
}

#[test]
fn passwords_of_every_length_give_32_bytes() {
    for length in [1, 19, 20, 21, 255, 4096] {
        let password = Password::new(vec![b'x'; length]);
        let mut plugin = CachingSha2Password::default().start(&password, &NONCE);
        let response = respond(plugin.as_mut(), &SCRAMBLE).unwrap();
        assert_eq!(response.len(), 32, "{length}");
    }
}

#[test]
fn a_hash_that_the_server_knows_is_followed_by_nothing() {
    for (channel, _) in CHANNELS {
        let mut plugin = hashed("secret");
        let (step, sent) = step_over(channel, plugin.as_mut(), b"\x03").unwrap();
        assert!(matches!(step, AuthStep::Wait), "{step:?}");
        assert_eq!(sent, b"");
        let error = step_over(channel, plugin.as_mut(), b"\x04").unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }
}

#[test]
fn the_password_itself_is_sent_on_a_proven_channel_only() {
    for (channel, proven) in CHANNELS {
        let sent = respond_over(channel, hashed("secret").as_mut(), b"\x04");
        let expected = if proven {
            Ok(b"secret\0".to_vec())
        } else {
            Err(AuthError::UnprovenChannel {
                plugin: NAME.to_owned(),
            })
        };
        assert_eq!(sent, expected, "{channel:?}");
    }
}

#[test]
fn a_nul_in_the_password_is_sent() {
    let sent = respond_over(Channel::UnixSocket, hashed("sec\0ret").as_mut(), b"\x04");
    assert_eq!(sent, Ok(b"sec\0ret\0".to_vec()));
}

#[test]
fn the_password_is_not_sent_twice() {
    let mut plugin = hashed("secret");
    respond_over(Channel::UnixSocket, plugin.as_mut(), b"\x04").unwrap();
    let error = respond_over(Channel::UnixSocket, plugin.as_mut(), b"\x04").unwrap_err();
    assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
}

#[test]
fn another_verdict_is_an_error() {
    for verdict in [
        b"".as_slice(),
        b"\x00",
        b"\x02",
        b"\x05",
        b"\x03\x04",
        b"\x04\x04",
    ] {
        let error = respond_over(Channel::UnixSocket, hashed("secret").as_mut(), verdict);
        let error = error.unwrap_err();
        assert!(matches!(error, AuthError::InvalidPacket(_)), "{error:?}");
    }
}

#[test]
fn a_verdict_of_another_value_is_an_error_that_names_it() {
    let error = respond(hashed("secret").as_mut(), b"\x05").unwrap_err();
    assert!(matches!(
        error,
        AuthError::InvalidPacket(InvalidPacket::Field { value: 5, .. })
    ));
}

#[test]
fn a_short_scramble_is_an_error() {
    let factory = CachingSha2Password::default();
    let mut plugin = factory.start(&Password::from("secret"), &NONCE);
    assert_eq!(
        respond(plugin.as_mut(), &SCRAMBLE[..19]),
        Err(AuthError::ScrambleTooShort {
            plugin: NAME.to_owned(),
            expected: 20,
            found: 19
        })
    );
}

#[test]
fn it_proves_nothing_and_shows_no_secret() {
    assert!(!CachingSha2Password::default().can_prove_server());
    let plugin = hashed("secret");
    assert_eq!(plugin.server_proof_hash(), None);
    let shown = format!("{plugin:?}");
    assert_eq!(shown, "CachingSha2Password { stage: \"Verdict\", .. }");
}

#[cfg(feature = "rsa")]
mod rsa {
    use super::*;
    use crate::testing::RsaServer;

    fn asked(factory: &CachingSha2Password, channel: Channel) -> (Box<dyn AuthPlugin>, Vec<u8>) {
        let mut plugin = factory.start(&Password::from("secret"), &NONCE);
        respond(plugin.as_mut(), &SCRAMBLE).unwrap();
        let sent = respond_over(channel, plugin.as_mut(), b"\x04").unwrap();
        (plugin, sent)
    }

    #[test]
    fn the_password_is_encrypted_with_a_key_that_was_retrieved() {
        let server = RsaServer::new();
        let factory = CachingSha2Password::default().with_public_key_retrieval();
        let (mut plugin, request) = asked(&factory, Channel::Plain);
        assert_eq!(request, b"\x02");
        let sent = respond(plugin.as_mut(), server.public_key().as_bytes()).unwrap();
        assert_eq!(server.decrypt(&sent), b"secret\0");
        let error = respond(plugin.as_mut(), server.public_key().as_bytes()).unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }

    #[test]
    fn a_known_key_is_not_asked_for() {
        let server = RsaServer::new();
        let pem = server.public_key();
        let factory = CachingSha2Password::default()
            .with_public_key(pem.as_bytes())
            .unwrap()
            .with_public_key_retrieval();
        let (_, sent) = asked(&factory, Channel::Plain);
        assert_eq!(server.decrypt(&sent), b"secret\0");
    }

    #[test]
    fn an_unproven_server_inside_tls_gets_no_password_whatever_the_key() {
        let factory = CachingSha2Password::default().with_public_key_retrieval();
        let mut plugin = factory.start(&Password::from("secret"), &NONCE);
        respond(plugin.as_mut(), &SCRAMBLE).unwrap();
        let channel = Channel::Tls { proven: false };
        let error = respond_over(channel, plugin.as_mut(), b"\x04").unwrap_err();
        assert!(matches!(error, AuthError::UnprovenChannel { .. }));
    }

    #[test]
    fn what_the_server_sends_in_place_of_its_key_is_an_error() {
        let factory = CachingSha2Password::default().with_public_key_retrieval();
        for data in [b"".as_slice(), b"\x04", b"-----BEGIN PUBLIC KEY-----\n"] {
            let (mut plugin, _) = asked(&factory, Channel::Plain);
            let error = respond(plugin.as_mut(), data).unwrap_err();
            assert_eq!(error, AuthError::InvalidPublicKey);
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused_by_the_configuration() {
        let error = CachingSha2Password::default().with_public_key(b"secret key");
        assert_eq!(error.unwrap_err(), AuthError::InvalidPublicKey);
    }
}

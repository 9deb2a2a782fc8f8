use super::*;
use crate::testing::{NONCE, hex, respond, step_over};

/// 00 to 1f, the server's scramble of the vectors.
fn scramble() -> Vec<u8> {
    (0..32).collect()
}

/// The ext-salt of the vectors with another iteration factor.
fn ext_salt(factor: u8) -> Vec<u8> {
    let salt = hex("a6a89ead0ee7f517f395f7d95c4623ddb650");
    [[b'P', factor].as_slice(), &salt].concat()
}

/// A plugin that has sent its request for the salt.
fn requested(factory: Parsec, password: &str) -> Box<dyn AuthPlugin> {
    let mut plugin = factory.start(&Password::from(password), &NONCE);
    assert_eq!(respond(plugin.as_mut(), &scramble()), Ok(Vec::new()));
    plugin
}

fn derivation(plugin: &mut dyn AuthPlugin, ext_salt: &[u8]) -> Result<KeyDerivation, AuthError> {
    let (step, sent) = step_over(Channel::Plain, plugin, ext_salt)?;
    assert_eq!(sent, b"");
    match step {
        AuthStep::Derive(derivation) => Ok(derivation),
        other => panic!("{other:?}"),
    }
}

fn derived(plugin: &mut dyn AuthPlugin, key: DerivedKey) -> Result<Vec<u8>, AuthError> {
    let mut out = Vec::new();
    let step = plugin.derived(key, Channel::Plain, &mut PayloadWriter::new(&mut out))?;
    assert!(matches!(step, AuthStep::Respond), "{step:?}");
    Ok(out)
}

/// A plugin that is done, and what it has sent.
fn done(password: &str) -> (Box<dyn AuthPlugin>, Vec<u8>) {
    let mut plugin = requested(Parsec::default(), password);
    let key = derivation(plugin.as_mut(), &ext_salt(0)).unwrap().derive();
    let sent = derived(plugin.as_mut(), key).unwrap();
    (plugin, sent)
}

#[test]
fn both_scrambles_are_signed_with_the_key_made_of_the_password_and_the_salt() {
    let (_, sent) = done("secret");
    let (client_scramble, signature) = sent.split_at(32);
    assert_eq!(client_scramble, NONCE);
    assert_eq!(
        signature,
        hex(
            "923c3e19f08d14b0840f133edf7f4ee7a9308d576a5ef656445b06ceed1828cc
             7e3e2454f10a7703d3a149c547c8dc7d0f285b5ce3499dc24b6504735d63df06"
        )
    );
}

#[test]
fn the_ext_salt_and_the_public_key_are_what_the_server_has_stored() {
    let (plugin, _) = done("secret");
    let public_key = hex("c78e8826f5ff2aca7ae1c7609ef3f36d95c38b6f00b1a593277fcb19f0ba2c92");
    assert_eq!(
        plugin.server_proof_hash().unwrap(),
        [ext_salt(0), public_key].concat()
    );
}

#[test]
fn nothing_is_proven_before_the_end_or_without_a_password() {
    let mut plugin = requested(Parsec::default(), "secret");
    assert_eq!(plugin.server_proof_hash(), None);
    derivation(plugin.as_mut(), &ext_salt(0)).unwrap();
    assert_eq!(plugin.server_proof_hash(), None);
    assert_eq!(done("").0.server_proof_hash(), None);
}

#[test]
fn the_iteration_factor_doubles_1024_rounds_and_is_limited() {
    for (limit, factor, rounds) in [
        (10, 0, Some(1024)),
        (10, 3, Some(8192)),
        (10, 10, Some(1 << 20)),
        (10, 11, None),
        (10, 255, None),
        (0, 1, None),
        (255, 20, Some(1 << 30)),
        (255, 21, None),
        (255, 22, None),
        (255, 32, None),
        (255, 255, None),
    ] {
        let factory = Parsec::default().with_max_iteration_factor(limit);
        let mut plugin = requested(factory, "secret");
        let derivation = derivation(plugin.as_mut(), &ext_salt(factor));
        let expected = rounds.ok_or_else(|| AuthError::TooManyRounds {
            factor,
            limit: limit.min(20),
        });
        assert_eq!(derivation.map(|derivation| derivation.rounds()), expected);
    }
}

#[test]
fn by_default_the_iteration_factor_is_10_at_most() {
    for (factor, allowed) in [(10, true), (11, false)] {
        let mut plugin = requested(Parsec::default(), "secret");
        let derivation = derivation(plugin.as_mut(), &ext_salt(factor));
        assert_eq!(derivation.is_ok(), allowed, "{factor}");
    }
}

#[test]
fn an_ext_salt_that_is_not_20_bytes_long_is_an_error() {
    let ext_salt = ext_salt(0);
    for end in 0..ext_salt.len() {
        let mut plugin = requested(Parsec::default(), "secret");
        let error = derivation(plugin.as_mut(), &ext_salt[..end]).unwrap_err();
        assert!(matches!(error, AuthError::InvalidPacket(_)), "{end}");
    }
    let mut plugin = requested(Parsec::default(), "secret");
    let error = derivation(plugin.as_mut(), &[ext_salt.as_slice(), &[0]].concat());
    assert!(matches!(
        error,
        Err(AuthError::InvalidPacket(InvalidPacket::TrailingData {
            bytes: 1,
            ..
        }))
    ));
}

#[test]
fn another_way_to_derive_the_key_is_an_error() {
    let mut plugin = requested(Parsec::default(), "secret");
    let mut other = ext_salt(0);
    other[0] = b'S';
    assert!(matches!(
        derivation(plugin.as_mut(), &other),
        Err(AuthError::InvalidPacket(InvalidPacket::Header {
            found: b'S',
            ..
        }))
    ));
}

#[test]
fn a_short_scramble_is_an_error() {
    let mut plugin = Parsec::default().start(&Password::from("secret"), &NONCE);
    assert_eq!(
        respond(plugin.as_mut(), &scramble()[..31]),
        Err(AuthError::ScrambleTooShort {
            plugin: NAME.to_owned(),
            expected: 32,
            found: 31
        })
    );
}

#[test]
fn data_while_the_key_is_derived_or_after_it_is_an_error() {
    let mut plugin = requested(Parsec::default(), "secret");
    derivation(plugin.as_mut(), &ext_salt(0)).unwrap();
    for mut plugin in [plugin, done("secret").0] {
        let error = respond(plugin.as_mut(), &ext_salt(0)).unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }
}

#[test]
fn a_key_that_is_not_asked_for_is_an_error() {
    let key = KeyDerivation::new(Password::default(), Vec::new(), 1).derive();
    for mut plugin in [requested(Parsec::default(), "secret"), done("secret").0] {
        let error = derived(plugin.as_mut(), key.clone()).unwrap_err();
        assert_eq!(error, SERVER_IS_DUE);
    }
}

#[test]
fn the_plugin_shows_no_secret() {
    let (plugin, _) = done("secret");
    assert_eq!(format!("{plugin:?}"), "Parsec { stage: \"Done\", .. }");
}

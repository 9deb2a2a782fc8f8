//! The proof that the server knows the password and owns the certificate.

use super::*;
use crate::CachingSha2Password;

/// SHA-256 of `not-a-real-cert`.
fn certificate_sha256() -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(b"not-a-real-cert").into()
}

fn wanted() -> ServerProof {
    ServerProof::Wanted {
        certificate_sha256: certificate_sha256(),
    }
}

fn required() -> ServerProof {
    ServerProof::Required {
        certificate_sha256: certificate_sha256(),
    }
}

fn tls_login() -> LoginConfig {
    let mut login = login();
    login.tls = TlsRequest::Required;
    login
}

/// A client that has sent its handshake response over TLS that proves nothing.
fn unproven(login: LoginConfig, proof: ServerProof) -> Client {
    let client = Client::new(login).start_tls(&greeting());
    client.establish(false, proof)
}

/// The step after the greeting where TLS proves nothing.
fn establish(login: LoginConfig, proof: ServerProof) -> Result<HandshakeStep, AuthError> {
    let client = Client::new(login).start_tls(&greeting());
    let client = client.over(Channel::Tls { proven: false });
    let (step, _) =
        client.step(|handshake, channel, out| handshake.tls_established(channel, proof, out))?;
    Ok(step)
}

fn without_password() -> LoginConfig {
    let mut login = tls_login();
    login.password = Password::default();
    login
}

/// The information of an OK packet that holds the proof `digits`.
fn proof(digits: &str) -> Vec<u8> {
    [b"\x01", digits.as_bytes()].concat()
}

fn ok_with(info: &[u8]) -> OkPacket<'_> {
    OkPacket { info, ..ok() }
}

fn ext_salt() -> Vec<u8> {
    hex("50 00 a6a89ead0ee7f517f395f7d95c4623ddb650")
}

/// A client that has sent its handshake response and run `plugin`.
fn run(plugin: &str, proof: ServerProof) -> Client {
    let client = unproven(tls_login(), proof);
    let server_scramble: Vec<u8> = (0..32).collect();
    match plugin {
        "mysql_native_password" => client,
        "client_ed25519" => client.receive(&switch(plugin, &server_scramble)),
        "parsec" => client
            .receive(&switch(plugin, &server_scramble))
            .derive(&ext_salt()),
        other => panic!("{other}"),
    }
}

/// What a server of 11.8 sends at the scramble of the greeting, whatever plugin ran.
const PROOFS: [(&str, &str); 3] = [
    (
        "mysql_native_password",
        "7CB6323D866F883A492BBD574E9C405BF0A06F734E69A7256250DEB2BE4DF203",
    ),
    (
        "client_ed25519",
        "6F3D73F51CFB3023DFBF843FCE7AD9B3FE86D1DB46A1396AC30D1E51C78DF90D",
    ),
    (
        "parsec",
        "8F4977D2CD3DB24F4E3D386776824C732B6182C9F792F1BB28364C10DA617426",
    ),
];

/// Information of OK packets that proves nothing to a client of `mysql_native_password`.
fn useless() -> Vec<(Vec<u8>, Unproven)> {
    let (_, good) = PROOFS[0];
    vec![
        (Vec::new(), Unproven::Missing),
        (b"\x01".to_vec(), Unproven::Missing),
        (good.as_bytes().to_vec(), Unproven::Missing),
        (proof(good.split_at(62).0), Unproven::Missing),
        (proof(good.split_at(63).0), Unproven::Missing),
        (proof(&[good, "0"].concat()), Unproven::Missing),
        (proof(&[good, "00"].concat()), Unproven::Missing),
        (proof(&good.replace('7', "g")), Unproven::Missing),
        (proof(&good.replace('7', "8")), Unproven::Mismatch),
        (proof(&"0".repeat(64)), Unproven::Mismatch),
        (proof(PROOFS[1].1), Unproven::Mismatch),
    ]
}

#[test]
fn a_server_that_knows_the_password_and_owns_the_certificate_is_proven() {
    for (plugin, digits) in PROOFS {
        for digits in [digits.to_owned(), digits.to_lowercase()] {
            for asked in [wanted(), required()] {
                let info = run(plugin, asked).connect(&ok_with(&proof(&digits)));
                assert_eq!(info.server_proof, ServerProofOutcome::Proven, "{plugin}");
            }
        }
    }
}

#[test]
fn the_plugin_that_succeeded_is_the_one_that_proves() {
    let client = run("parsec", required()).receive(&switch("client_ed25519", &NONCE));
    let info = client.connect(&ok_with(&proof(PROOFS[1].1)));
    assert_eq!(info.server_proof, ServerProofOutcome::Proven);
}

#[test]
fn a_switch_to_native_password_with_another_scramble_proves_by_that_of_the_greeting() {
    let client = unproven(tls_login(), required());
    let client = client.receive(&switch("mysql_native_password", &[0xbb; 20]));
    let info = client.connect(&ok_with(&proof(PROOFS[0].1)));
    assert_eq!(info.server_proof, ServerProofOutcome::Proven);
    assert_eq!(info.scramble, SCRAMBLE);
}

#[test]
fn a_required_proof_that_is_missing_or_wrong_fails_the_login() {
    for (info, reason) in useless() {
        let error = unproven(tls_login(), required()).fail(&ok_with(&info));
        assert_eq!(error, AuthError::ServerNotProven(reason), "{info:?}");
        assert!(error.to_string().contains(&reason.to_string()), "{error}");
        assert!(error.to_string().contains("Unix socket"), "{error}");
    }
}

#[test]
fn a_wanted_proof_that_is_missing_or_wrong_leaves_the_server_unproven() {
    for (info, reason) in useless() {
        let server = unproven(tls_login(), wanted()).connect(&ok_with(&info));
        let expected = ServerProofOutcome::Unproven(reason);
        assert_eq!(server.server_proof, expected, "{info:?}");
    }
}

#[test]
fn the_proof_for_another_certificate_is_wrong_fingerprint() {
    let client = |proof| unproven(tls_login(), proof);
    let certificate_sha256 = [0xcc; 32];
    let error = client(ServerProof::Required { certificate_sha256 });
    let error = error.fail(&ok_with(&proof(PROOFS[0].1)));
    assert_eq!(error, AuthError::ServerNotProven(Unproven::Mismatch));
}

#[test]
fn a_proof_that_nobody_asked_for_is_not_judged() {
    for login in [tls_login(), without_password()] {
        let client = unproven(login, ServerProof::NotNeeded);
        let info = client.connect(&ok_with(&proof(&"0".repeat(64))));
        assert_eq!(info.server_proof, ServerProofOutcome::NotAsked);
    }
}

#[test]
fn empty_password_refused_before_anything_is_answered() {
    let error = establish(without_password(), required()).unwrap_err();
    assert_eq!(error, AuthError::NoPasswordToProveBy);
}

#[test]
fn an_empty_password_proves_nothing() {
    let server = unproven(without_password(), wanted()).connect(&ok_with(&proof(PROOFS[0].1)));
    let expected = ServerProofOutcome::Unproven(Unproven::NothingToProveBy);
    assert_eq!(server.server_proof, expected);
}

#[test]
fn clear_dialog_sha2_full_auth_refused_before_proof() {
    let mut login = tls_login();
    let plugins = login.plugins.with(Arc::new(ClearPassword));
    login.plugins = plugins.with(Arc::new(Dialog));
    for name in [
        "mysql_clear_password",
        "dialog",
        "caching_sha2_password",
        "sha256_password",
    ] {
        let request = switch(name, &SCRAMBLE);
        let error = unproven(login.clone(), required()).fail(&request);
        let plugin = name.to_owned();
        assert_eq!(error, AuthError::PluginProvesNothing { plugin });
        // The second of two plugins of an account is looked at like the first.
        let client = unproven(login.clone(), required());
        let error = client
            .receive(&switch("client_ed25519", &NONCE))
            .fail(&request);
        assert!(
            matches!(error, AuthError::PluginProvesNothing { .. }),
            "{name}"
        );
    }
}

#[test]
fn a_plugin_of_the_greeting_that_proves_nothing_gives_way_where_a_proof_is_required() {
    let mut greeting = greeting();
    greeting.default_auth_plugin = "caching_sha2_password";
    for (proof, plugin) in [
        (required(), "mysql_native_password"),
        (wanted(), "caching_sha2_password"),
    ] {
        let client = Client::new(tls_login()).start_tls(&greeting);
        let client = client.establish(false, proof);
        let response = HandshakeResponse::decode(client.last(), Capabilities::empty()).unwrap();
        assert_eq!(response.auth_plugin, plugin);
    }
}

#[test]
fn without_a_plugin_that_proves_no_secret_is_sent_where_a_proof_is_required() {
    let mut login = tls_login();
    let sha2 = Arc::new(CachingSha2Password::default());
    login.plugins = PluginRegistry::empty().with(sha2);
    let client = unproven(login, required());
    let response = HandshakeResponse::decode(client.last(), Capabilities::empty()).unwrap();
    assert!(response.auth_response.is_empty());
    let error = client.fail(&ok_with(&proof(PROOFS[0].1)));
    let expected = AuthError::ServerNotProven(Unproven::NothingToProveBy);
    assert_eq!(error, expected);
}

#[test]
fn the_error_of_a_server_that_has_not_proven_itself_says_so() {
    let denied = ErrPacket::new(1045, *b"28000", "Access denied");
    let error = unproven(tls_login(), required()).fail(&denied);
    assert_eq!(
        error,
        AuthError::UnprovenServer {
            code: 1045,
            sqlstate: Some(*b"28000"),
            message: "Access denied".to_owned()
        }
    );
    let shown = error.to_string();
    assert!(shown.starts_with("Access denied (error 1045, SQLSTATE 28000)"));
    assert!(shown.contains("not proven"), "{shown}");
    let error = unproven(tls_login(), wanted()).fail(&denied);
    assert!(matches!(error, AuthError::Server { code: 1045, .. }));
}

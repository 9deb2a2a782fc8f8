use otaria_codec::InvalidPacket;

use super::*;
use crate::testing::{NONCE, respond, step_over};

fn plugin(password: &str) -> Box<dyn AuthPlugin> {
    Dialog.start(&Password::from(password), &NONCE)
}

/// What the plugin asks a person at `question`.
fn prompt(plugin: &mut dyn AuthPlugin, question: &[u8]) -> Prompt {
    let (step, sent) = step_over(Channel::UnixSocket, plugin, question).unwrap();
    assert_eq!(sent, b"");
    match step {
        AuthStep::Prompt(prompt) => prompt,
        other => panic!("{other:?}"),
    }
}

fn answer(plugin: &mut dyn AuthPlugin, answer: &str) -> Result<Vec<u8>, AuthError> {
    let mut out = Vec::new();
    let mut writer = PayloadWriter::new(&mut out);
    let step = plugin.answer(&Password::from(answer), Channel::UnixSocket, &mut writer)?;
    assert!(matches!(step, AuthStep::Respond), "{step:?}");
    Ok(out)
}

fn is_done(plugin: &mut dyn AuthPlugin) -> bool {
    let next = step_over(Channel::UnixSocket, plugin, b"\x02Next: ");
    matches!(next, Err(AuthError::UnexpectedPluginData { .. }))
}

#[test]
fn the_first_question_for_a_password_is_answered_by_the_logins() {
    let mut plugin = plugin("secret");
    let sent = respond(plugin.as_mut(), b"\x04Password: ");
    assert_eq!(sent, Ok(b"secret\0".to_vec()));
    let second = prompt(plugin.as_mut(), b"\x04Again: ");
    assert_eq!(second, Prompt::new("Again: ", false));
    assert_eq!(
        answer(plugin.as_mut(), "secret2"),
        Ok(b"secret2\0".to_vec())
    );
}

#[test]
fn an_ordinary_question_goes_to_a_person_and_its_answer_may_be_seen() {
    let mut plugin = plugin("secret");
    let name = prompt(plugin.as_mut(), b"\x02Your mother's name: ");
    assert_eq!(name.message(), "Your mother's name: ");
    assert!(name.echo());
    assert_eq!(answer(plugin.as_mut(), "Ada"), Ok(b"Ada\0".to_vec()));
    let sent = respond(plugin.as_mut(), b"\x04Password: ");
    assert_eq!(sent, Ok(b"secret\0".to_vec()));
}

#[test]
fn without_a_password_every_question_goes_to_a_person() {
    let mut plugin = plugin("");
    let password = prompt(plugin.as_mut(), b"\x04Password: ");
    assert_eq!(password, Prompt::new("Password: ", false));
}

#[test]
fn a_first_packet_without_a_question_is_answered_by_the_password() {
    for (password, sent) in [("secret", b"secret\0".as_slice()), ("", b"\0")] {
        let mut plugin = plugin(password);
        assert_eq!(respond(plugin.as_mut(), b""), Ok(sent.to_vec()));
        let token = prompt(plugin.as_mut(), b"\x04Token: ");
        assert_eq!(token.message(), "Token: ");
    }
}

#[test]
fn nothing_follows_the_answer_to_the_last_question() {
    let mut of_login = plugin("secret");
    let sent = respond(of_login.as_mut(), b"\x05Password: ");
    assert_eq!(sent, Ok(b"secret\0".to_vec()));
    assert!(is_done(of_login.as_mut()));
    let mut of_person = plugin("secret");
    prompt(of_person.as_mut(), b"\x03Name: ");
    answer(of_person.as_mut(), "Ada").unwrap();
    assert!(is_done(of_person.as_mut()));
}

#[test]
fn a_question_while_a_person_is_asked_is_an_error() {
    let mut plugin = plugin("");
    prompt(plugin.as_mut(), b"\x04Password: ");
    assert!(is_done(plugin.as_mut()));
}

#[test]
fn an_answer_to_no_question_is_an_error() {
    assert_eq!(answer(plugin("secret").as_mut(), "x"), Err(SERVER_IS_DUE));
}

#[test]
fn a_password_or_an_answer_with_a_nul_is_refused_before_it_is_sent() {
    let refused = |field| Err(AuthError::NulCharacter { field });
    for question in [b"".as_slice(), b"\x04Password: "] {
        let sent = respond(plugin("sec\0ret").as_mut(), question);
        assert_eq!(sent, refused("password"));
    }
    let mut plugin = plugin("");
    prompt(plugin.as_mut(), b"\x02Name: ");
    assert_eq!(answer(plugin.as_mut(), "A\0da"), refused("answer"));
}

#[test]
fn a_question_of_another_type_is_an_error() {
    for kind in [0, 1, 6, 0x7f, 0xff] {
        let error = respond(plugin("secret").as_mut(), &[kind, b'?']).unwrap_err();
        let invalid = matches!(
            error,
            AuthError::InvalidPacket(InvalidPacket::Field { value, .. }) if value == kind.into()
        );
        assert!(invalid, "{error:?}");
    }
}

#[test]
fn a_question_that_is_not_utf_8_is_asked_all_the_same() {
    let question = prompt(plugin("").as_mut(), b"\x02Na\xffme");
    assert_eq!(question.message(), "Na\u{fffd}me");
}

#[test]
fn it_reveals_the_password_and_proves_nothing() {
    assert!(Dialog.needs_proven_channel());
    assert!(!Dialog.can_prove_server());
    assert_eq!(plugin("secret").server_proof_hash(), None);
}

#[test]
fn the_plugin_shows_no_secret() {
    let shown = format!("{:?}", plugin("secret"));
    assert!(!shown.contains("secret"), "{shown}");
}

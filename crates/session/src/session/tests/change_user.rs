use otaria_auth::AuthSwitchRequest;

use super::*;

fn other_user() -> Config {
    let config = Config::builder().password("secret").build().unwrap();
    config.for_user("other", "secret", Some("reports")).unwrap()
}

/// A session whose `COM_CHANGE_USER` was sent.
fn changing() -> Session {
    let mut session = logged_in();
    session.change_user(&other_user(), [1; 32]).unwrap();
    assert!(session.is_response_due() && !session.is_idle());
    let command = write_all(&mut session);
    assert_eq!(command[3..11], *b"\0\x11other\0");
    session
}

fn switch() -> AuthSwitchRequest<'static> {
    AuthSwitchRequest {
        auth_plugin: "mysql_native_password",
        plugin_data: b"ssssssssssssssssssss\0",
    }
}

#[test]
fn a_change_of_user_goes_on_counting_and_forgets_the_session() {
    let mut session = changing();
    session
        .state
        .update(ServerStatus::IN_TRANS, b"\x00\x03\x01a\x00")
        .unwrap();
    receive(&mut session, &packets(1, &[&switch()]));
    assert!(matches!(session.poll(), Ok(None)));
    let answer = write_all(&mut session);
    assert_eq!((answer.len(), answer[3]), (24, 2));
    receive(&mut session, &packets(3, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Connected))));
    assert!(session.is_idle());
    assert_eq!(session.state().schema(), Some("reports"));
    assert_eq!(session.state().status(), ServerStatus::AUTOCOMMIT);
    assert_eq!(session.state().system_variables().count(), 0);
    assert_eq!(session.thread_id(), 7);
    let config = session.take_changed_config().unwrap();
    assert_eq!(
        (config.user(), config.database()),
        ("other", Some("reports"))
    );
    assert!(session.take_changed_config().is_none());
}

#[test]
fn a_refused_change_keeps_the_schema_and_resets_the_rest() {
    let mut session = changing();
    let told = b"\x00\x03\x01a\x00";
    session.state.update(ServerStatus::IN_TRANS, told).unwrap();
    let err = ErrPacket::new(1045, *b"28000", "Access denied");
    receive(&mut session, &packets(1, &[&err]));
    assert!(matches!(session.poll(), Ok(Some(Event::Err(error))) if error.code() == 1045));
    assert!(session.is_idle() && session.take_changed_config().is_none());
    assert_eq!(session.state().schema(), Some("shop"));
    assert_eq!(session.state().system_variables().count(), 0);
    assert!(!session.state().status().is_in_transaction());
}

#[test]
fn an_unsent_change_is_taken_back() {
    let mut session = logged_in();
    session.change_user(&other_user(), [1; 32]).unwrap();
    session.abandon();
    assert!(session.is_idle());
}

#[test]
fn an_abandoned_change_is_finished_by_reading_on() {
    let mut session = changing();
    session.abandon();
    receive(&mut session, &packets(1, &[&switch()]));
    assert!(matches!(session.discard(), Ok(false)));
    // What is to be sent is not taken back.
    session.abandon();
    assert_eq!(write_all(&mut session).len(), 24);
    receive(&mut session, &packets(3, &[&ok()]));
    assert!(matches!(session.discard(), Ok(true)));
    assert_eq!(session.take_changed_config().unwrap().user(), "other");
}

#[test]
fn a_change_of_user_in_a_pipeline_is_not_answered() {
    let mut session = changing();
    session.ping().unwrap();
    write_all(&mut session);
    receive(&mut session, &packets(1, &[&switch()]));
    assert!(matches!(
        session.poll(),
        Err(Error::InvalidPacket(InvalidPacket::Unexpected { .. }))
    ));
    assert!(session.unwritten().is_empty());
}

#[test]
fn the_change_of_user_is_named_when_the_connection_is_lost_in_it() {
    assert_eq!(
        changing().lost().to_string(),
        "the server closed the connection in place of: response to COM_CHANGE_USER"
    );
}

#[test]
fn an_error_by_which_the_server_ends_the_session_ends_it_in_a_change_too() {
    let mut session = changing();
    let err = ErrPacket::new(1927, *b"70100", "Connection was killed");
    receive(&mut session, &packets(1, &[&err]));
    assert!(matches!(session.poll(), Err(Error::EndedByServer(_))));
}

#[test]
fn what_nobody_asked_is_not_answered() {
    let mut session = changing();
    let answered = session.answer(&crate::Password::from("a"));
    assert!(matches!(answered, Err(Error::Closed { .. })));
    receive(&mut session, &packets(1, &[&ok()]));
    assert!(matches!(session.poll(), Ok(Some(Event::Connected))));
}

use otaria_codec::LocalInfilePacket;

use super::*;
use crate::TransactionOptions;

const ROLLBACK: &[u8] = b"\x21\0\0\0\x03ROLLBACK AND NO CHAIN NO RELEASE";

fn err(code: u16) -> Vec<u8> {
    packets(1, &[&ErrPacket::new(code, *b"HY000", "no")])
}

fn one_ok() -> Vec<u8> {
    packets(1, &[&ok()])
}

/// A session whose transaction the server has begun.
fn in_transaction() -> Session {
    let mut session = logged_in();
    session
        .begin_transaction(&TransactionOptions::default())
        .unwrap();
    write_all(&mut session);
    let begun = OkPacket {
        status: ServerStatus::IN_TRANS,
        ..ok()
    };
    receive(&mut session, &packets(1, &[&begun]));
    assert!(matches!(session.discard(), Ok(true)));
    session
}

/// A session that a connection would find ready: what cleans up has been answered.
fn assert_clean(session: &mut Session) {
    assert!(matches!(session.discard(), Ok(true)));
    assert!(session.is_settled() && !session.is_clean_up_due());
}

#[test]
fn a_clean_up_of_an_idle_session_is_due_until_its_ok_is_read() {
    let mut session = logged_in();
    session.clean_up(CleanUp::Rollback);
    assert!(session.is_clean_up_due() && !session.is_idle());
    assert_eq!(write_all(&mut session), ROLLBACK);
    assert!(session.is_clean_up_due() && !session.is_idle());
    assert!(matches!(session.discard(), Ok(false)));
    receive(&mut session, &one_ok());
    assert_clean(&mut session);
}

#[test]
fn a_clean_up_takes_back_what_was_not_begun_and_is_not_taken_back_itself() {
    let mut session = logged_in();
    session.simple_query("SELECT 1").unwrap();
    session.clean_up(CleanUp::Rollback);
    for _ in 0..3 {
        session.abandon();
        session.quit();
    }
    assert_eq!(write_all(&mut session), ROLLBACK);
    receive(&mut session, &one_ok());
    assert_clean(&mut session);
}

#[test]
fn a_clean_up_goes_behind_the_rest_of_half_a_command() {
    let whole = b"\x09\0\0\0\x03SELECT 1";
    for written in 1..=whole.len() {
        let mut session = logged_in();
        session.simple_query("SELECT 1").unwrap();
        assert_eq!(session.unwritten(), whole);
        session.written(written);
        session.clean_up(CleanUp::Rollback);
        let expected = [&whole[written..], ROLLBACK].concat();
        assert_eq!(write_all(&mut session), expected);
        receive(&mut session, &result_set(&["1"]));
        assert!(matches!(session.discard(), Ok(false)));
        receive(&mut session, &one_ok());
        assert_clean(&mut session);
    }
}

#[test]
fn a_failed_rollback_to_reset_or_init_db_never_lets_the_next_users_statement_run() {
    let all = [
        CleanUp::Rollback,
        CleanUp::RollbackTo(SavepointId(1)),
        CleanUp::Reset,
        CleanUp::InitDb("gone".to_owned()),
        CleanUp::Settings {
            sql: "SET time_zone='x'".to_owned(),
            time_zone: None,
        },
        CleanUp::Sql("SET ROLE r".to_owned()),
    ];
    for due in all {
        let mut session = logged_in();
        session.clean_up(due.clone());
        write_all(&mut session);
        receive(&mut session, &err(1305));
        let reason = CloseReason::CleanUpFailed { code: 1305 };
        assert!(
            matches!(session.discard(), Err(Error::Closed { reason: found }) if found == reason),
            "{due:?}"
        );
        let next = session.simple_query("DELETE FROM t");
        assert!(matches!(next, Err(Error::Closed { reason: found }) if found == reason));
        assert!(session.unwritten().is_empty() && !session.is_clean_up_due());
    }
}

#[test]
fn an_error_in_front_of_a_clean_up_is_not_its_own() {
    let mut session = logged_in();
    session.simple_query("SELEKT").unwrap();
    write_all(&mut session);
    session.clean_up(CleanUp::Rollback);
    write_all(&mut session);
    receive(&mut session, &err(1064));
    receive(&mut session, &one_ok());
    assert_clean(&mut session);
}

#[test]
fn a_savepoint_is_rolled_back_to_and_released() {
    let mut session = logged_in();
    session.clean_up(CleanUp::RollbackTo(SavepointId(2)));
    let sent = write_all(&mut session);
    let expected =
        b"\x1f\0\0\0\x03ROLLBACK TO SAVEPOINT otaria_2\x1b\0\0\0\x03RELEASE SAVEPOINT otaria_2";
    assert_eq!(sent, expected);
    receive(&mut session, &one_ok());
    assert!(matches!(session.discard(), Ok(false)));
    receive(&mut session, &one_ok());
    assert_clean(&mut session);
}

#[test]
fn a_savepoint_that_is_gone_does_no_harm_where_all_is_rolled_back_behind_it() {
    for last in [CleanUp::Rollback, CleanUp::Reset] {
        let mut session = in_transaction();
        session.simple_query("UPDATE t SET a = 1").unwrap();
        write_all(&mut session);
        // The part and the whole are given up before the server has said that there is a deadlock.
        session.clean_up(CleanUp::RollbackTo(SavepointId(1)));
        session.clean_up(last);
        write_all(&mut session);
        for refused in [1213, 1305, 1305] {
            receive(&mut session, &err(refused));
            assert!(matches!(session.discard(), Ok(false)), "{refused}");
        }
        receive(&mut session, &one_ok());
        assert_clean(&mut session);
        session.check_transaction().unwrap();
    }
}

#[test]
fn rows_and_results_of_sql_that_cleans_up_are_passed_over() {
    let mut session = logged_in();
    session.clean_up(CleanUp::Sql("CALL p()".to_owned()));
    write_all(&mut session);
    let count = ColumnCount {
        columns: 1,
        metadata_follows: true,
    };
    let row = TextRowPacket::of(["1"]);
    let end = OkPacket {
        status: ServerStatus::MORE_RESULTS_EXISTS,
        ..rows_end()
    };
    let results = packets(1, &[&count, &column(), &row, &row, &end]);
    receive(&mut session, &results);
    assert!(matches!(session.discard(), Ok(false)));
    receive(&mut session, &packets(6, &[&ok()]));
    assert_clean(&mut session);
}

#[test]
fn no_clean_up_is_sent_where_the_server_may_take_it_for_a_file() {
    let config = Config::builder().local_infile(true).build().unwrap();
    let mut session = logged_in_by(&config);
    session
        .load_data_local("LOAD DATA LOCAL INFILE 'f' INTO TABLE t")
        .unwrap();
    write_all(&mut session);
    session.clean_up(CleanUp::Rollback);
    session.clean_up(CleanUp::Reset);
    assert!(session.unwritten().is_empty() && session.is_clean_up_due());
    let request = LocalInfilePacket { file_name: b"f" };
    receive(&mut session, &packets(1, &[&request]));
    assert!(matches!(session.discard(), Ok(false)));
    assert_eq!(write_all(&mut session), b"\0\0\0\x02");
    assert!(session.is_clean_up_due() && !session.is_idle());
    receive(&mut session, &packets(3, &[&ok()]));
    assert!(matches!(session.discard(), Ok(false)));
    assert_eq!(
        write_all(&mut session),
        [ROLLBACK, b"\x01\0\0\0\x1f"].concat()
    );
    receive(&mut session, &[one_ok(), one_ok()].concat());
    assert_clean(&mut session);
}

#[test]
fn a_clean_up_goes_behind_rows_even_where_files_may_be_asked_for() {
    let config = Config::builder().local_infile(true).build().unwrap();
    let mut session = logged_in_by(&config);
    session.simple_query("SELECT c FROM t").unwrap();
    write_all(&mut session);
    let rows = result_set(&["1"]);
    let (head, rest) = rows.split_at(rows.len() - 14);
    receive(&mut session, head);
    assert!(matches!(session.poll(), Ok(Some(Event::ResultSet))));
    session.clean_up(CleanUp::Rollback);
    assert_eq!(write_all(&mut session), ROLLBACK);
    receive(&mut session, rest);
    receive(&mut session, &one_ok());
    assert_clean(&mut session);
}

#[test]
fn a_clean_up_waits_for_the_end_of_a_change_of_the_user() {
    let mut session = logged_in();
    let other = Config::builder().build().unwrap();
    let other = other.for_user("other", "secret", None).unwrap();
    session.change_user(&other, [1; 32]).unwrap();
    write_all(&mut session);
    session.clean_up(CleanUp::Rollback);
    assert!(session.unwritten().is_empty() && session.is_clean_up_due());
    receive(&mut session, &one_ok());
    assert!(matches!(session.discard(), Ok(false)));
    assert_eq!(write_all(&mut session), ROLLBACK);
    receive(&mut session, &one_ok());
    assert!(matches!(session.discard(), Ok(true)));
    assert!(session.take_changed_config().is_some());
}

#[test]
fn a_clean_up_of_a_session_that_is_closed_or_not_logged_in_is_none() {
    let config = Config::builder().build().unwrap();
    let mut session = Session::new(&config, Channel::Plain, [0; 32]);
    session.clean_up(CleanUp::Reset);
    assert!(!session.is_clean_up_due());
    let mut session = logged_in();
    session.clean_up(CleanUp::Rollback);
    session.lost();
    assert!(!session.is_clean_up_due());
    session.clean_up(CleanUp::Reset);
    assert!(!session.is_clean_up_due());
}

#[test]
fn a_session_that_has_closed_tells_of_its_transaction_until_that_is_given_up() {
    for sql in ["COMMIT", "CREATE TABLE t (a INT)"] {
        let mut session = in_transaction();
        session.simple_query(sql).unwrap();
        write_all(&mut session);
        receive(&mut session, &one_ok());
        assert!(matches!(session.discard(), Ok(true)));
        session.lost();
        // It may be committed, so that no call in it can be made anew as if none had been sent.
        for _ in 0..2 {
            let error = session.check_transaction().unwrap_err();
            assert!(matches!(error, Error::TransactionAborted { code: None }));
        }
        session.clean_up(CleanUp::Rollback);
        session.check_transaction().unwrap();
        let error = session.ping().unwrap_err();
        assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    }
}

fn sent_by_clean_up_all(session: &mut Session, config: &Config) -> Vec<Vec<u8>> {
    assert!(session.clean_up_all(config));
    let mut sent = write_all(session);
    let mut commands = Vec::new();
    while !sent.is_empty() {
        let rest = sent.split_off(4 + usize::from(sent[0]));
        commands.push(sent[4..].to_vec());
        sent = rest;
    }
    commands
}

#[test]
fn all_is_cleaned_up_by_a_reset_the_default_database_settings_and_init_commands() {
    let config = Config::builder()
        .database("shop")
        .time_zone("+00:00")
        .init_command("SET @a = 1")
        .build()
        .unwrap();
    let mut session = logged_in_by(&config);
    let told = b"\x01\x06\x05mysql";
    session.state.update(ServerStatus::IN_TRANS, told).unwrap();
    let sent = sent_by_clean_up_all(&mut session, &config);
    let expected: [&[u8]; 4] = [
        b"\x1f",
        b"\x02shop",
        b"\x03SET time_zone='+00:00'",
        b"\x03SET @a = 1",
    ];
    assert_eq!(sent, expected);
    for _ in 0..4 {
        receive(&mut session, &one_ok());
    }
    assert_clean(&mut session);
    assert_eq!(session.state().schema(), Some("shop"));
    let zone = otaria_types::SessionTimeZone::Offset { seconds: 0 };
    assert_eq!(session.state().time_zone(), zone);
}

#[test]
fn the_default_database_is_set_unless_it_certainly_is_the_one_that_is_configured() {
    let config = Config::builder().database("shop").build().unwrap();
    let reset: &[u8] = b"\x1f";
    let init_db: &[u8] = b"\x02shop";
    let mut session = logged_in_by(&config);
    // The server has told nothing of databases yet.
    let sent = sent_by_clean_up_all(&mut session, &config);
    assert_eq!(sent, [reset, init_db]);

    let mut session = logged_in_by(&config);
    let told = b"\x01\x05\x04shop";
    let status = ServerStatus::AUTOCOMMIT;
    session.state.update(status, told).unwrap();
    let sent = sent_by_clean_up_all(&mut session, &config);
    assert_eq!(sent, [reset]);

    let mut session = logged_in_by(&config);
    session.state.update(status, told).unwrap();
    session.simple_query("USE mysql").unwrap();
    write_all(&mut session);
    let sent = sent_by_clean_up_all(&mut session, &config);
    assert_eq!(sent, [reset, init_db]);
}

#[test]
fn a_session_cannot_be_left_without_the_default_database_that_it_has() {
    let config = Config::builder().build().unwrap();
    let mut session = logged_in_by(&config);
    assert_eq!(sent_by_clean_up_all(&mut session, &config), [b"\x1f"]);
    let mut session = logged_in_by(&config);
    let told = b"\x01\x05\x04shop";
    session
        .state
        .update(ServerStatus::AUTOCOMMIT, told)
        .unwrap();
    assert!(!session.clean_up_all(&config) && !session.is_clean_up_due());
    let mut session = logged_in_by(&config);
    session.simple_query("USE mysql").unwrap();
    write_all(&mut session);
    assert!(!session.clean_up_all(&config) && !session.is_clean_up_due());
}

#[test]
fn debug_output_of_a_clean_up_shows_no_sql() {
    let debug = format!("{:?}", CleanUp::Sql("SET @a = 'hunter2'".to_owned()));
    assert_eq!(debug, "Sql(18 bytes)");
}

#[cfg(feature = "compression")]
#[test]
fn each_command_that_cleans_up_is_compressed_by_itself() {
    let config = Config::builder().compression(crate::Compression::default());
    let mut session = compressed_by(&config.build().unwrap());
    session.clean_up(CleanUp::Rollback);
    session.clean_up(CleanUp::Reset);
    let sent = write_all(&mut session);
    let first = usize::from(sent[0]) + 7;
    assert_eq!(sent[3], 0, "it begins at compressed sequence 0");
    assert_eq!(sent[first + 3], 0, "it begins at compressed sequence 0");
    assert_eq!(sent.len(), first + 7 + usize::from(sent[first]));
}

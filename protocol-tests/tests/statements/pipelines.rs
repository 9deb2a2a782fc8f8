//! A prepare and the execution behind it: what is refused, and what the server makes of it.

use otaria::{CloseReason, Connection, Error, InvalidPacket};
use otaria_codec::{ErrPacket, OkPacket};
use otaria_statement::ComStmtPrepare;
use protocol_tests::pipe::Cut;
use protocol_tests::script::{
    FakeStatement, Layers, Reply, Script, text_columns, unknown_statement,
};

use crate::{INSERT, NEW, OLD, connected, next_query_is_whole, statements};

const BROKEN: &str = "SELEKT ?";
const DELETE: &str = "DELETE FROM t WHERE a = ?";

/// A server that answers the prepare of [`OLD`] with `prepared`, and whatever is executed with
/// `executed`.
async fn lying(prepared: Reply, executed: Reply) -> Connection {
    let script = Script::new()
        .on(&ComStmtPrepare::new(OLD), prepared)
        .answer(move |payload| (payload[0] == 0x17).then(|| executed.clone()));
    let script = statements().serve(script);
    let layers = Layers::None;
    layers.connect(script, &layers.config(), Cut::Whole).await.0
}

fn is_closed(connection: &Connection, reason: CloseReason) {
    assert_eq!(connection.close_reason(), Some(reason));
}

#[tokio::test]
async fn pipelined_prepare_and_execute_where_prepare_fails_is_exactly_one_error() {
    for layers in Layers::ALL {
        let statements = statements();
        statements.set(BROKEN, FakeStatement::refused(1064, *b"42000", "syntax"));
        let script = statements.serve(Script::new());
        let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
        connection.execute(OLD, (1,)).await.unwrap();
        for _ in 0..3 {
            let error = connection.query(BROKEN, (1,)).await.unwrap_err();
            assert!(
                matches!(&error, Error::Server(error) if error.code() == 1064),
                "{error}"
            );
            assert!(connection.is_idle());
            next_query_is_whole(&mut connection).await;
        }
        // A prepare alone, and the statement that was there before.
        let error = connection.prepare(BROKEN).await.unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1064));
        next_query_is_whole(&mut connection).await;
        assert_eq!(statements.executed(), [OLD, NEW, NEW, NEW, NEW]);
        assert_eq!(statements.open(), 2);
    }
}

#[tokio::test]
async fn an_execution_answered_behind_a_refused_prepare_is_not_taken_for_an_answer() {
    let rows = Reply::new().head_of(&text_columns(&["a"]), true);
    for executed in [Reply::ok(), rows] {
        let refused = Reply::err(1064, *b"42000", "syntax");
        let mut connection = lying(refused, executed.clone()).await;
        let error = connection.query(OLD, (1,)).await.unwrap_err();
        let Error::InvalidPacket(InvalidPacket::Unexpected { packet, .. }) = error else {
            panic!("{error:?}");
        };
        assert!(packet.contains("prepare was refused"), "{packet}");
        is_closed(&connection, CloseReason::InvalidPacket);

        // What a server does that has no room for another statement, and has one from before.
        let refused = Reply::err(1461, *b"42000", "Can't create more than so many statements");
        let mut connection = lying(refused, executed).await;
        let error = connection.query(OLD, (1,)).await.unwrap_err();
        assert!(matches!(error, Error::EndedByServer(error) if error.code() == 1461));
        is_closed(&connection, CloseReason::EndedByServer { code: 1461 });
    }
}

#[tokio::test]
async fn a_prepare_for_which_there_is_no_room_executes_nothing_that_writes() {
    let room = FakeStatement::refused(1461, *b"42000", "Can't create more than so many statements");
    let reads = "SELECT a FROM t WHERE b IN (?, ?)";
    for (last, writes) in [
        (INSERT, 2),
        ("CALL f(?, ?)", 2),
        ("SELECT f(?, ?)", 2),
        (reads, 1),
    ] {
        let statements = statements();
        statements.set(last, FakeStatement::new(2, &[], Reply::ok()));
        statements.set("SELECT ?", FakeStatement::rows(1, &["a"], &[&["1"]]));
        let (mut connection, handle) = connected(&statements).await;
        connection.execute(last, (1, 2)).await.unwrap();
        let before = handle.writes();
        connection.execute("SELECT ?", (1,)).await.unwrap();
        assert_eq!(handle.writes() - before, writes, "behind {last}");

        statements.set(DELETE, FakeStatement::new(1, &[], Reply::ok()));
        connection.prepare(DELETE).await.unwrap();
        statements.set(NEW, room.clone());
        let executed = statements.executed();
        let error = connection.execute(NEW, (1,)).await.unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1461));
        assert_eq!(statements.executed(), executed);
    }
}

#[tokio::test]
async fn a_refused_prepare_is_told_whatever_error_the_execution_brings() {
    let killed = Reply::new().packet(&ErrPacket::new(1927, *b"70100", "Connection was killed"));
    let mut connection = lying(Reply::err(1064, *b"42000", "syntax"), killed).await;
    let error = connection.query(OLD, (1,)).await.unwrap_err();
    assert!(matches!(error, Error::EndedByServer(error) if error.code() == 1927));
    is_closed(&connection, CloseReason::EndedByServer { code: 1927 });

    let other = Reply::err(1047, *b"08S01", "WSREP has not yet prepared node");
    let mut connection = lying(Reply::err(1064, *b"42000", "syntax"), other).await;
    let error = connection.query(OLD, (1,)).await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1064));
    assert!(connection.is_idle());
}

#[tokio::test]
async fn a_prepared_statement_with_another_placeholder_count_closes_the_connection() {
    for found in [0, 2, 65_535] {
        let mut connection = lying(Reply::prepared(1, found, &[]), Reply::ok()).await;
        let error = connection.query(OLD, (1,)).await.unwrap_err();
        let found = usize::from(found);
        assert!(
            matches!(error, Error::MiscountedPlaceholders { sent: 1, found: told } if told == found),
            "{error:?}"
        );
        is_closed(&connection, CloseReason::MiscountedPlaceholders);
        assert!(matches!(connection.ping().await, Err(Error::Closed { .. })));
    }
}

#[tokio::test]
async fn a_statement_refused_when_it_is_executed_stays_prepared() {
    let statements = statements();
    let duplicate = Reply::err(1062, *b"23000", "Duplicate entry");
    let sql = "INSERT INTO u VALUES (?)";
    statements.set(sql, FakeStatement::new(1, &[], duplicate));
    let (mut connection, _) = connected(&statements).await;
    for _ in 0..3 {
        let error = connection.execute(sql, (1,)).await.unwrap_err();
        assert!(matches!(error, Error::Server(error) if error.code() == 1062));
        assert!(connection.is_idle());
    }
    assert_eq!((statements.prepares(), statements.open()), (1, 1));
    statements.set(sql, FakeStatement::new(1, &[], Reply::ok()));
    connection.execute(sql, (1,)).await.unwrap();
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn a_statement_id_that_is_none_is_an_invalid_packet() {
    let mut connection = lying(Reply::prepared(0xffff_ffff, 1, &[]), Reply::ok()).await;
    let error = connection.query(OLD, (1,)).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::InvalidPacket(InvalidPacket::Field {
                field: "statement ID",
                value: 0xffff_ffff,
                ..
            })
        ),
        "{error:?}"
    );
    is_closed(&connection, CloseReason::InvalidPacket);
}

#[tokio::test]
async fn a_statement_id_that_stands_for_two_statements_breaks_nothing() {
    // A server, or a proxy, that calls every statement 1.
    let script = Script::new()
        .on(&ComStmtPrepare::new(OLD), Reply::prepared(1, 1, &[]))
        .on(&ComStmtPrepare::new(NEW), Reply::prepared(1, 1, &[]))
        .answer(|payload| (payload[0] == 0x17).then(Reply::ok));
    let layers = Layers::None;
    let (mut connection, _) = layers.connect(script, &layers.config(), Cut::Whole).await;
    for sql in [OLD, NEW, OLD, NEW] {
        connection.execute(sql, (1,)).await.unwrap();
        assert!(connection.is_idle());
    }
}

#[tokio::test]
async fn an_execution_answered_before_its_prepare_closes_the_connection() {
    let ok = Reply::new().packet(&OkPacket::default());
    let mut connection = lying(ok, unknown_statement()).await;
    let error = connection.query(OLD, (1,)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidPacket(_)), "{error:?}");
    is_closed(&connection, CloseReason::InvalidPacket);
}

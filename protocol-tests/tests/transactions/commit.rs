//! How transactions end.

use otaria::{Error, IsolationLevel, TransactionOptions};
use otaria_codec::{OkPacket, ServerStatus};
use protocol_tests::pipe::{Action, Cut};
use protocol_tests::script::Reply;

use crate::server::{Bank, Then};
use crate::{PAY, SUMS, connected};

#[tokio::test]
async fn a_transaction_is_begun_without_waiting_and_committed_whatever_completion_type_says() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    connection.prepare(PAY).await.unwrap();
    let before = handle.writes();
    let mut transaction = connection.transaction().await.unwrap();
    assert_eq!(handle.writes(), before + 1);
    assert!(bank.is_in_transaction());
    transaction.execute(PAY, (1, 2)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(handle.writes(), before + 3);
    assert!(connection.is_idle());
    assert_eq!(
        bank.ran(),
        ["START TRANSACTION", PAY, "COMMIT AND NO CHAIN NO RELEASE"]
    );
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn options_stand_in_front_of_the_first_statement() {
    let bank = Bank::new();
    let (mut connection, handle) = connected(&bank).await;
    let options = TransactionOptions::new()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .consistent_snapshot(true);
    let before = handle.writes();
    let transaction = connection.transaction_with(&options).await.unwrap();
    assert_eq!(handle.writes(), before + 1, "both in one write");
    transaction.rollback().await.unwrap();
    assert_eq!(
        bank.ran(),
        [
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            "ROLLBACK AND NO CHAIN NO RELEASE",
        ]
    );
}

#[tokio::test]
async fn a_committed_part_is_released_and_committed_with_the_whole() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut part = transaction.transaction().await.unwrap();
    let mut inner = part.transaction().await.unwrap();
    inner.execute(PAY, (1, 2)).await.unwrap();
    inner.commit().await.unwrap();
    part.commit().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(
        bank.ran(),
        [
            "START TRANSACTION",
            "SAVEPOINT otaria_1",
            "SAVEPOINT otaria_2",
            PAY,
            "RELEASE SAVEPOINT otaria_2",
            "RELEASE SAVEPOINT otaria_1",
            "COMMIT AND NO CHAIN NO RELEASE",
        ]
    );
}

#[tokio::test]
async fn a_commit_without_an_answer_is_an_error_that_says_that_nothing_is_known() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    bank.close_at("COMMIT");
    let error = transaction.commit().await.unwrap_err();
    let Error::CommitUnknown { source } = &error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(**source, Error::ConnectionLost { .. }),
        "{source:?}"
    );
    assert!(!error.is_safe_to_retry() && error.is_disconnect());
    assert!(connection.close_reason().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_commit_of_which_no_byte_was_sent_is_certainly_not_done() {
    let bank = Bank::new();
    let layers = protocol_tests::script::Layers::None;
    let config = layers.config().to_builder();
    let config = config
        .io_timeout(std::time::Duration::from_secs(1))
        .build()
        .unwrap();
    let (mut connection, handle) = layers.connect(bank.script(), &config, Cut::Whole).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    handle.set_cut(Cut::NoWrites);
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert!(error.is_safe_to_retry());
}

#[tokio::test]
async fn a_refused_commit_is_rolled_back() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    transaction.execute(PAY, (1, 2)).await.unwrap();
    bank.refuse("COMMIT", 1180, *b"HY000", Then::Stays);
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, Error::Server(error) if error.code() == 1180));
    assert!(!bank.is_in_transaction());
    connection.execute(PAY, (1, 2)).await.unwrap();
}

#[tokio::test]
async fn rows_are_lent_out_of_the_transaction_and_given_up_with_the_next_call() {
    let bank = Bank::new();
    let (mut connection, _) = connected(&bank).await;
    let mut transaction = connection.transaction().await.unwrap();
    let mut rows = transaction.query(SUMS, (1,)).await.unwrap();
    assert_eq!(
        rows.next().await.unwrap().unwrap().get::<&str>(0).unwrap(),
        "1"
    );
    transaction.execute(PAY, (1, 2)).await.unwrap();
    let rows = transaction.query(SUMS, (1,)).await.unwrap();
    drop(rows);
    transaction.commit().await.unwrap();
    assert!(!bank.is_in_transaction());
}

#[tokio::test(start_paused = true)]
async fn a_commit_answered_when_its_time_is_over_says_what_the_answer_says() {
    let in_transaction = ServerStatus::AUTOCOMMIT | ServerStatus::IN_TRANS;
    let open = OkPacket {
        status: in_transaction,
        ..OkPacket::default()
    };
    for (answer, outcome) in [
        (Reply::ok(), Some(true)),
        (Reply::err(1317, *b"70100", "interrupted"), Some(false)),
        (Reply::err(1213, *b"40001", "deadlock"), Some(false)),
        (Reply::new().packet(&open), None),
    ] {
        let bank = Bank::new();
        let (mut connection, handle) = connected(&bank).await;
        let mut transaction = connection.transaction().await.unwrap();
        transaction.execute(PAY, (1, 2)).await.unwrap();
        bank.be_silent_at("COMMIT");
        let second = std::time::Duration::from_secs(1);
        transaction.with_timeout(second);
        let (ended, ()) = tokio::join!(transaction.commit(), async {
            tokio::time::sleep(2 * second).await;
            handle.act(vec![Action::Send(answer.bytes())]);
            handle.set_cut(Cut::Whole);
        });
        match outcome {
            Some(true) => ended.unwrap(),
            Some(false) => assert!(matches!(ended, Err(Error::Timeout { .. })), "{ended:?}"),
            None => assert!(
                matches!(ended, Err(Error::CommitUnknown { .. })),
                "{ended:?}"
            ),
        }
        let rolled_back = bank
            .ran()
            .last()
            .is_some_and(|sql| sql.starts_with("ROLLBACK"));
        assert_eq!(rolled_back, outcome != Some(true));
    }
}

//! Whom a stop may hit, how often it is tried, and what it does not send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otaria::{CancelToken, Pool, ResetPolicy};
use otaria_codec::ErrPacket;
use protocol_tests::fake_server::FakePort;
use tokio::time::timeout;

use super::*;

/// What [`Host`] counts.
const NEWER: &str = "SELECT 'newer'";

/// Its process list shows one statement under the connection that came first.
struct Host {
    server: FakeServer,
    /// How often it was sent [`NEWER`].
    news: Arc<AtomicUsize>,
    /// How many `KILL QUERY ID` it was told.
    kills_by_number: Arc<AtomicUsize>,
    /// How many `KILL QUERY` it was told.
    kills: Arc<AtomicUsize>,
}

/// The numbers that statements have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Numbers {
    /// They have none.
    Unknown,
    /// Each is over by the time that the server is told it.
    Over,
    Kept,
    /// A kill is never answered.
    Silent,
}

impl Host {
    /// One that always shows `sql`.
    async fn start(numbers: Numbers, sql: &'static str) -> Self {
        let (kills_by_number, kills, news) =
            <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counters = (Arc::clone(&kills_by_number), Arc::clone(&kills));
        let counted = Arc::clone(&news);
        let mut first_port = None;
        let server = FakePort::new().await.serve_ports(move |port| {
            let ports = (*first_port.get_or_insert(port), port);
            let (kills_by_number, kills) = counters.clone();
            let mut greeting = protocol_tests::script::greeting();
            if numbers == Numbers::Unknown {
                greeting.server_version = b"8.4.0";
            }
            let news = Arc::clone(&counted);
            let script = script().greet(Reply::new().packet(&greeting));
            script.answer(move |command| {
                let said = String::from_utf8_lossy(command.get(1..)?);
                if said == NEWER {
                    news.fetch_add(1, Ordering::SeqCst);
                    return Some(Reply::rows(&["new"], [["new"]]));
                }
                if said.contains("PROCESSLIST") {
                    return Some(process_list(ports, numbers, sql));
                }
                let is_kill = said.starts_with("KILL QUERY ");
                if is_kill && said.contains(" ID ") {
                    kills_by_number.fetch_add(1, Ordering::SeqCst);
                    let over = ErrPacket::new(1957, *b"HY000", "Unknown query id");
                    return Some(match numbers {
                        Numbers::Over => Reply::new().packet(&over),
                        Numbers::Silent => Reply::new(),
                        Numbers::Kept | Numbers::Unknown => Reply::ok(),
                    });
                }
                is_kill.then(|| {
                    kills.fetch_add(1, Ordering::SeqCst);
                    Reply::ok()
                })
            })
        });
        Self {
            server,
            news,
            kills_by_number,
            kills,
        }
    }

    fn config(&self) -> ConfigBuilder {
        let config = Config::builder().host("127.0.0.1").port(self.server.port());
        config.user("u").ssl_mode(SslMode::Disable)
    }

    async fn connect(&self) -> Connection {
        Connection::connect(&self.config().build().unwrap())
            .await
            .unwrap()
    }

    fn kills(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.kills_by_number), count(&self.kills))
    }

    fn news(&self) -> usize {
        self.news.load(Ordering::SeqCst)
    }

    /// Polls `call` until it has told the server to end a statement. It has not heard the answer.
    async fn until_kill_is_sent<T: std::fmt::Debug>(&self, call: impl Future<Output = T> + Unpin) {
        let is_sent = async {
            while self.kills() == (0, 0) {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = is_sent => {}
            done = call => panic!("{done:?}"),
        }
    }
}

/// The lines of two connections: id, whether it is that which asks, user, host, command, number and
/// statement.
fn process_list((own, beside): (u16, u16), numbers: Numbers, sql: &str) -> Reply {
    let column = |index| {
        let (kind, collation) = if matches!(index, 0 | 1 | 5) {
            (FieldType::LongLong, 63)
        } else {
            (FieldType::VarString, 45)
        };
        ColumnDefinition::new("c", kind).with_collation(collation)
    };
    let count = ColumnCount {
        columns: 7,
        metadata_follows: true,
    };
    let head = (0..7).fold(Reply::new().packet(&count), |head, index| {
        head.packet(&column(index))
    });
    let (own, beside) = (format!("h:{own}"), format!("h:{beside}"));
    let number = (numbers != Numbers::Unknown).then_some("100");
    let lines = [
        ["7", "0", "u", &own, "Query"].map(Some).to_vec(),
        ["8", "1", "u", &beside, "Query"].map(Some).to_vec(),
    ];
    let shown = [sql, "SELECT ID"];
    let list = lines
        .into_iter()
        .zip(shown)
        .fold(head, |list, (mut line, sql)| {
            line.extend([number, Some(sql)]);
            list.packet(&TextRowPacket::of(line))
        });
    list.packet(&otaria_codec::OkPacket {
        ends_result_set: true,
        ..otaria_codec::OkPacket::default()
    })
}

#[tokio::test]
async fn a_kill_without_the_number_of_the_statement_by_a_token_closes_the_connection() {
    for (numbers, kills) in [(Numbers::Over, (5, 1)), (Numbers::Unknown, (0, 1))] {
        let host = Host::start(numbers, ENDLESS).await;
        let mut connection = host.connect().await;
        let token = connection.cancel_token();
        let stopped = tokio::select! {
            biased;
            done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
            stopped = token.cancel() => stopped.unwrap(),
        };
        assert_eq!(stopped, Stopped::Killed);
        assert_eq!(host.kills(), kills);
        // It could be the next one that is killed.
        let error = connection.simple_query(NEW).await.unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        // And not by what would stop that which was left behind.
        assert_eq!((host.server.visits(), host.kills()), (2, kills));
    }
}

#[tokio::test]
async fn a_token_kills_nothing_without_a_number_once_its_call_has_ended() {
    let host = Host::start(Numbers::Over, ENDLESS).await;
    let mut connection = host.connect().await;
    let token = connection.cancel_token();
    let mut cancel = Box::pin(token.cancel());
    let last_number_is_over = async {
        while host.kills().0 < 5 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        () = last_number_is_over => {}
        stopped = &mut cancel => panic!("{stopped:?}"),
    }
    // Before the token hears of that.
    let next = connection.simple_execute(OLD);
    assert_eq!(cancel.await.unwrap(), Stopped::NotRunning);
    drop(next);
    assert_eq!(host.kills(), (5, 0));
    assert_eq!(connection.close_reason(), None);
}

/// A connection whose statement has come to its end, and a token of it.
async fn just_done(host: &Host, config: ConfigBuilder) -> (Connection, CancelToken) {
    let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
    let token = connection.cancel_token();
    connection.simple_execute(OLD).await.unwrap();
    assert_eq!(host.kills(), (0, 0));
    (connection, token)
}

#[tokio::test]
async fn kill_arrives_late_the_next_command_waits_until_the_server_has_answered_the_kill() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, token) = just_done(&host, host.config()).await;
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    let mut next = Box::pin(connection.simple_execute(NEWER));
    // Long enough for a command to come to the server and back.
    let early = timeout(Duration::from_millis(100), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(host.news(), 0);
    let (stopped, next) = tokio::join!(cancel, next);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    next.unwrap();
    assert_eq!((host.news(), host.kills()), (1, (1, 0)));
    // Nothing is waited for any more.
    connection.simple_execute(NEWER).await.unwrap();
    assert_eq!(connection.close_reason(), None);
}

#[tokio::test]
async fn a_call_that_waits_for_the_answer_to_a_kill_may_be_dropped_at_every_poll() {
    at_every_poll(async |polls| {
        let host = Host::start(Numbers::Kept, OLD).await;
        let (mut connection, token) = just_done(&host, host.config()).await;
        let mut cancel = Box::pin(token.cancel());
        host.until_kill_is_sent(&mut cancel).await;
        let call = async {
            let news = host.news();
            assert!(
                poll_times(connection.simple_execute(NEWER), 1)
                    .await
                    .is_none()
            );
            assert_eq!(host.news(), news);
            connection.simple_execute(NEWER).await
        };
        let done = poll_times(async { tokio::join!(cancel, call) }, polls).await;
        match &done {
            Some((stopped, executed)) => {
                assert_eq!(*stopped.as_ref().unwrap(), Stopped::Killed);
                executed.as_ref().unwrap();
                next_query_is_whole(&mut connection).await;
            }
            // The token may have been dropped with it.
            None => match connection.simple_execute(NEW).await {
                Ok(_) => assert_eq!(connection.close_reason(), None),
                Err(error) => {
                    assert!(error.is_safe_to_retry(), "{error:?}");
                    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
                }
            },
        }
        done.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_call_has_no_more_time_to_wait_for_the_answer_to_a_kill_than_it_has_in_all() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, token) = just_done(&host, host.config()).await;
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    let call = connection.with_timeout(Duration::from_millis(20));
    let error = call.simple_execute(NEWER).await.unwrap_err();
    let Error::Timeout {
        phase,
        statement_stopped,
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!((phase, statement_stopped), (TimeoutPhase::Ready, true));
    assert_eq!((host.news(), connection.close_reason()), (0, None));
    assert_eq!(cancel.await.unwrap(), Stopped::Killed);
    next_query_is_whole(&mut connection).await;
}

#[tokio::test]
async fn the_answer_to_the_kill_of_a_token_that_was_dropped_is_waited_for_by_the_next_call() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let (mut connection, token) = just_done(&host, host.config()).await;
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    drop(cancel);
    connection.simple_execute(NEWER).await.unwrap();
    assert_eq!((host.news(), host.kills()), (1, (1, 0)));
    assert_eq!(connection.close_reason(), None);
}

#[tokio::test]
async fn a_kill_that_is_never_answered_closes_the_connection() {
    for is_dropped in [false, true] {
        let host = Host::start(Numbers::Silent, OLD).await;
        let config = host.config().stop_timeout(Duration::from_millis(700));
        let (mut connection, token) = just_done(&host, config).await;
        let mut cancel = Box::pin(token.cancel());
        host.until_kill_is_sent(&mut cancel).await;
        if is_dropped {
            drop(cancel);
        } else {
            let error = cancel.await.unwrap_err();
            assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
        }
        let call = timeout(60 * SECOND, connection.simple_execute(NEWER)).await;
        let error = call.expect("an end").unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        assert_eq!(host.news(), 0);
    }
}

#[tokio::test]
async fn a_call_waits_for_a_token_that_nobody_polls_no_longer_than_stopping_may_take() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let config = host.config().stop_timeout(Duration::from_millis(700));
    let (mut connection, token) = just_done(&host, config).await;
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    let call = timeout(60 * SECOND, connection.simple_execute(NEWER)).await;
    let error = call.expect("an end").unwrap_err();
    assert!(error.is_safe_to_retry(), "{error:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
    assert_eq!(host.news(), 0);
}

#[tokio::test]
async fn the_answer_to_the_kill_of_a_stop_that_was_dropped_is_waited_for_by_what_comes_next() {
    for drains in [false, true] {
        let host = Host::start(Numbers::Silent, ENDLESS).await;
        let config = host.config().stop_timeout(Duration::from_millis(700));
        let mut connection = Connection::connect(&config.build().unwrap()).await.unwrap();
        drop(connection.simple_query(ENDLESS).await.unwrap());
        host.until_kill_is_sent(Box::pin(connection.stop())).await;
        if drains {
            let limit = DrainLimit {
                time: Duration::from_millis(50),
                bytes: None,
            };
            assert!(!connection.drain(limit).await.unwrap());
            assert_eq!(connection.close_reason(), None);
        }
        // Nobody answers.
        let error = connection.simple_execute(NEWER).await.unwrap_err();
        assert!(error.is_safe_to_retry(), "{error:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
        assert_eq!((host.news(), host.kills()), (0, (1, 0)));
    }
}

#[tokio::test]
async fn kill_arrives_late_the_next_borrower_waits_until_the_server_has_answered_the_kill() {
    let host = Host::start(Numbers::Kept, OLD).await;
    let pool = Pool::builder(host.config().build().unwrap());
    let pool = pool.max_size(1).reset_policy(ResetPolicy::Never).build();
    let mut connection = pool.get().await.unwrap();
    let token = connection.cancel_token();
    connection.simple_execute(OLD).await.unwrap();
    let mut cancel = Box::pin(token.cancel());
    host.until_kill_is_sent(&mut cancel).await;
    drop(connection);
    let mut next = Box::pin(async { pool.get().await.unwrap().simple_execute(NEWER).await });
    let early = timeout(Duration::from_millis(100), &mut next).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(host.news(), 0);
    let (stopped, next) = tokio::join!(cancel, next);
    assert_eq!(stopped.unwrap(), Stopped::Killed);
    next.unwrap();
    // The connection, that beside it, and no other in its place.
    assert_eq!((host.news(), host.server.visits()), (1, 2));
}

#[tokio::test]
async fn a_statement_is_tried_to_be_stopped_ten_times_by_calls_that_end_before_it_is() {
    let mut is_first = true;
    let server = FakeServer::start(move || -> Box<dyn Peer> {
        if std::mem::take(&mut is_first) {
            Box::new(script())
        } else {
            Box::new(Silent)
        }
    })
    .await;
    let config = Config::builder().host("127.0.0.1").port(server.port());
    let config = config.ssl_mode(SslMode::Disable).stop_timeout(60 * SECOND);
    let config = config.drain_timeout(60 * SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    // The first one waits until the server has said nothing for too long.
    for time in [300, 10, 10, 10, 10, 10, 10, 10, 10, 10] {
        assert_eq!(connection.close_reason(), None);
        let call = connection.with_timeout(Duration::from_millis(time));
        let error = call.simple_query(NEW).await.unwrap_err();
        let is_not_sent = matches!(
            error,
            Error::Timeout {
                phase: TimeoutPhase::Ready,
                ..
            }
        );
        assert!(is_not_sent, "{error:?}");
    }
    let call = connection.with_timeout(Duration::from_millis(10));
    let error = call.simple_query(NEW).await.unwrap_err();
    assert!(matches!(error, Error::Closed { .. }), "{error:?}");
    assert_eq!(
        connection.close_reason(),
        Some(CloseReason::AbandonedResponse)
    );
}

#[tokio::test]
async fn a_stop_sends_nothing_more_of_a_command_that_was_begun_and_closes_the_connection() {
    let (mut connection, handle) = connected(Config::builder(), Cut::Every(1)).await;
    let before = handle.received().len();
    assert!(poll_times(connection.simple_query(OLD), 6).await.is_none());
    let begun = handle.received().len();
    assert!((1..OLD.len()).contains(&(begun - before)), "{begun}");
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert_eq!(handle.received().len(), begun, "the rest would run");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

//! Whom a stop may hit, how often it is tried, and what it does not send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otaria_codec::{OkPacket, ServerStatus};
use protocol_tests::fake_server::FakePort;

use super::*;

/// What [`Host`] counts.
pub(super) const NEWER: &str = "SELECT 'newer'";

/// More rows than are read at once.
pub(super) const LONG: &str = "SELECT 'long'";

/// Its process list shows one statement under the connection that came first.
pub(super) struct Host {
    pub(super) server: FakeServer,
    /// How many bytes the connection that came first has sent.
    bytes: Arc<AtomicUsize>,
    /// How often it was sent [`NEWER`].
    news: Arc<AtomicUsize>,
    /// How many `KILL QUERY ID` it was told.
    kills_by_number: Arc<AtomicUsize>,
    /// How many `KILL QUERY` it was told.
    kills: Arc<AtomicUsize>,
    /// How many connections are refused from now on, for there is no room for them.
    refusals: Arc<AtomicUsize>,
}

/// The numbers that statements have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Numbers {
    /// They have none.
    Unknown,
    /// Nor has the list a user, as MySQL's for a moment.
    Nobodys,
    /// Each is over by the time that the server is told it.
    Over,
    Kept,
    /// Another connection has the same one, and is hit.
    Shared,
    /// The server refuses to end any.
    Refused,
    /// The server does not say what it has done.
    Unanswered,
    /// The server closes the connection that tells it to end one.
    Lost,
}

impl Host {
    /// One that always shows `sql`.
    pub(super) async fn start(numbers: Numbers, sql: &'static str) -> Self {
        let (kills_by_number, kills, news) =
            <(Arc<AtomicUsize>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counters = (Arc::clone(&kills_by_number), Arc::clone(&kills));
        let counted = Arc::clone(&news);
        let bytes = Arc::<AtomicUsize>::default();
        let heard = Arc::clone(&bytes);
        let refusals = Arc::<AtomicUsize>::default();
        let refused = Arc::clone(&refusals);
        let mut first_port = None;
        let server = FakePort::new().await.serve_ports(move |port| {
            let ports = (*first_port.get_or_insert(port), port);
            let (kills_by_number, kills) = counters.clone();
            let mut greeting = protocol_tests::script::greeting();
            if matches!(numbers, Numbers::Unknown | Numbers::Nobodys) {
                greeting.server_version = b"8.4.0";
            }
            let news = Arc::clone(&counted);
            let take_one = |left: usize| left.checked_sub(1);
            let greeting = match refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
            {
                Ok(_) => Reply::err(1040, *b"08004", "Too many connections").close(),
                Err(_) => Reply::new().packet(&greeting),
            };
            let script = script().greet(greeting);
            let mut has_killed = false;
            let script = script.answer(move |command| {
                let said = String::from_utf8_lossy(command.get(1..)?);
                if said == NEWER {
                    news.fetch_add(1, Ordering::SeqCst);
                    return Some(Reply::rows(&["new"], [["new"]]));
                }
                if let Some(reply) = of_transaction(&said) {
                    return Some(reply);
                }
                if said.contains("PROCESSLIST") {
                    // To who has ended it.
                    let sql = Some(sql).filter(|_| !has_killed);
                    return Some(process_list(ports, numbers, sql));
                }
                let is_kill = said.starts_with("KILL QUERY ");
                if is_kill && said.contains(" ID ") {
                    kills_by_number.fetch_add(1, Ordering::SeqCst);
                    has_killed = numbers == Numbers::Kept;
                    return Some(match numbers {
                        Numbers::Over => Reply::err(1957, *b"HY000", "Unknown query id"),
                        Numbers::Refused => Reply::err(1095, *b"HY000", "You are not owner"),
                        Numbers::Unanswered => Reply::new(),
                        Numbers::Lost => Reply::new().close(),
                        Numbers::Unknown | Numbers::Nobodys | Numbers::Kept | Numbers::Shared => {
                            Reply::ok()
                        }
                    });
                }
                is_kill.then(|| {
                    kills.fetch_add(1, Ordering::SeqCst);
                    Reply::ok()
                })
            });
            let bytes = (ports.0 == port).then(|| Arc::clone(&heard));
            Counted { script, bytes }
        });
        Self {
            server,
            bytes,
            news,
            kills_by_number,
            kills,
            refusals,
        }
    }

    /// Refuses so many connections, and then none.
    pub(super) fn refuse(&self, connections: usize) {
        self.refusals.store(connections, Ordering::SeqCst);
    }

    pub(super) fn config(&self) -> ConfigBuilder {
        let config = Config::builder().host("127.0.0.1").port(self.server.port());
        config.user("u").ssl_mode(SslMode::Disable)
    }

    pub(super) async fn connect(&self) -> Connection {
        Connection::connect(&self.config().build().unwrap())
            .await
            .unwrap()
    }

    pub(super) fn kills(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.kills_by_number), count(&self.kills))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    pub(super) fn news(&self) -> usize {
        self.news.load(Ordering::SeqCst)
    }

    /// Polls `call` until it has told the server to end a statement. It has not heard the answer.
    pub(super) async fn until_kill_is_sent<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = T> + Unpin,
    ) {
        self.until_kills_are_sent(1, call).await;
    }

    /// The same, until the server has been told so often in all.
    pub(super) async fn until_kills_are_sent<T: std::fmt::Debug>(
        &self,
        kills: usize,
        call: impl Future<Output = T> + Unpin,
    ) {
        let is_sent = async {
            while self.kills().0 + self.kills().1 < kills {
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

/// A peer, and how many bytes it was sent.
struct Counted {
    script: Script,
    bytes: Option<Arc<AtomicUsize>>,
}

impl Peer for Counted {
    fn greet(&mut self) -> Vec<Action> {
        Peer::greet(&mut self.script)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        if let Some(counter) = &self.bytes {
            counter.fetch_add(bytes.len(), Ordering::SeqCst);
        }
        Peer::receive(&mut self.script, bytes)
    }
}

/// A transaction in which [`LONG`] can be run. Its ROLLBACK is hit by a kill.
fn of_transaction(said: &str) -> Option<Reply> {
    let status = ServerStatus::AUTOCOMMIT | ServerStatus::IN_TRANS;
    match said {
        LONG => {
            let row = "long ".repeat(1000);
            let rows = vec![[row.as_str()]; 2000];
            Some(Reply::new().result_set(&["long"], rows, status))
        }
        _ if said.starts_with("START TRANSACTION") => Some(Reply::new().packet(&OkPacket {
            status,
            ..OkPacket::default()
        })),
        _ if said.starts_with("ROLLBACK") => {
            let words = "Query execution was interrupted";
            Some(Reply::err(1317, *b"70100", words))
        }
        _ => None,
    }
}

/// The lines of two connections: id, whether it is that which asks, user, host, command, number and
/// statement.
pub(super) fn process_list(
    (own, beside): (u16, u16),
    numbers: Numbers,
    sql: Option<&str>,
) -> Reply {
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
    let has_none = matches!(numbers, Numbers::Unknown | Numbers::Nobodys);
    let number = (!has_none).then_some("100");
    let user = (numbers != Numbers::Nobodys).then_some("u");
    let lines = [
        vec![Some("7"), Some("0"), user, Some(&*own), Some("Query")],
        ["8", "1", "u", &beside, "Query"].map(Some).to_vec(),
    ];
    let shown = [sql, Some("SELECT ID")];
    let list = lines
        .into_iter()
        .zip(shown)
        .fold(head, |list, (mut line, sql)| {
            line.extend([number, sql]);
            list.packet(&TextRowPacket::of(line))
        });
    list.packet(&OkPacket {
        ends_result_set: true,
        ..OkPacket::default()
    })
}

/// A connection whose token has ended what it runs.
async fn ended_by_token(host: &Host) -> Connection {
    let mut connection = host.connect().await;
    let token = connection.cancel_token();
    let stopped = tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        stopped = token.cancel() => stopped.unwrap(),
    };
    assert_eq!(stopped, Stopped::Killed);
    connection
}

#[tokio::test]
async fn a_kill_without_the_number_of_the_statement_by_a_token_closes_the_connection_on_mysql() {
    let host = Host::start(Numbers::Unknown, ENDLESS).await;
    let mut connection = ended_by_token(&host).await;
    assert_eq!(host.kills(), (0, 1));
    // It could be the next one that is killed.
    let error = connection.simple_query(NEW).await.unwrap_err();
    assert!(error.is_safe_to_retry(), "{error:?}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
    // And not by what would stop that which was left behind.
    assert_eq!((host.server.visits(), host.kills()), (2, (0, 1)));
}

#[tokio::test]
async fn a_connection_without_a_user_in_the_list_is_not_told_from_those_of_others() {
    let host = Host::start(Numbers::Nobodys, ENDLESS).await;
    let mut connection = host.connect().await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotFound);
    assert_eq!(host.kills(), (0, 0));
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test]
async fn a_kill_without_the_number_of_the_statement_is_no_danger_on_mariadb_once_it_is_answered() {
    let limit = DrainLimit {
        time: Duration::from_millis(20),
        bytes: None,
    };
    // Each of its numbers was over, or another connection had it.
    for (numbers, kills) in [(Numbers::Over, (5, 1)), (Numbers::Shared, (1, 1))] {
        let host = Host::start(numbers, ENDLESS).await;
        let mut connection = ended_by_token(&host).await;
        assert_eq!(host.kills(), kills, "{numbers:?}");
        assert!(!connection.drain(limit).await.unwrap());
        assert_eq!(connection.close_reason(), None);
    }
}

#[tokio::test]
async fn a_statement_whose_number_another_connection_has_is_stopped_all_the_same() {
    let host = Host::start(Numbers::Shared, ENDLESS).await;
    let mut connection = host.connect().await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let mut stop = Box::pin(connection.stop());
    host.until_kills_are_sent(2, &mut stop).await;
    assert_eq!(host.kills(), (1, 1));
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

#[tokio::test]
async fn a_stop_behind_one_that_was_dropped_leaves_the_answer_to_the_first_kill_to_the_next_call() {
    let host = Host::start(Numbers::Kept, LONG).await;
    let mut connection = host.connect().await;
    drop(connection.simple_query(LONG).await.unwrap());
    host.until_kill_is_sent(Box::pin(connection.stop())).await;
    assert_eq!(connection.stop().await.unwrap(), Stopped::Killed);
    assert!(host.kills().0 > 1, "{:?}", host.kills());
    next_query_is_whole(&mut connection).await;
    assert_eq!(connection.close_reason(), None);
}

#[tokio::test]
async fn a_stop_waits_for_its_own_time_however_short_a_server_may_be_silent_else() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    // Shorter than the pauses between two looks become.
    let config = host.config().io_timeout(SECOND * 7 / 10);
    let config = config.stop_timeout(4 * SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let error = connection.stop().await.unwrap_err();
    let is_stop = matches!(
        error,
        Error::Timeout {
            phase: TimeoutPhase::Stop,
            ..
        }
    );
    assert!(is_stop, "{error:?}");
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

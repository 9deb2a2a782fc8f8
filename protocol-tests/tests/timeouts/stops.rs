//! Whom a stop may hit, how often it is tried, and what it does not send.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otaria_codec::ErrPacket;
use protocol_tests::fake_server::FakePort;

use super::*;

/// Its process list shows [`ENDLESS`] under the connection that came first.
struct Host {
    server: FakeServer,
    /// How many `KILL QUERY ID` it was told.
    kills_by_number: Arc<AtomicUsize>,
    /// How many `KILL QUERY` it was told.
    kills: Arc<AtomicUsize>,
}

impl Host {
    /// One that gives statements numbers, each of which is over by the time that it is told; or none.
    async fn start(has_numbers: bool) -> Self {
        let (kills_by_number, kills) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let counters = (Arc::clone(&kills_by_number), Arc::clone(&kills));
        let mut first_port = None;
        let server = FakePort::new().await.serve_ports(move |port| {
            let ports = (*first_port.get_or_insert(port), port);
            let (kills_by_number, kills) = counters.clone();
            let mut greeting = protocol_tests::script::greeting();
            if !has_numbers {
                greeting.server_version = b"8.4.0";
            }
            let script = script().greet(Reply::new().packet(&greeting));
            script.answer(move |command| {
                let sql = String::from_utf8_lossy(command.get(1..)?);
                if sql.contains("PROCESSLIST") {
                    return Some(process_list(ports, has_numbers));
                }
                let is_kill = sql.starts_with("KILL QUERY ");
                if is_kill && sql.contains(" ID ") {
                    kills_by_number.fetch_add(1, Ordering::SeqCst);
                    let over = ErrPacket::new(1957, *b"HY000", "Unknown query id");
                    return Some(Reply::new().packet(&over));
                }
                is_kill.then(|| {
                    kills.fetch_add(1, Ordering::SeqCst);
                    Reply::ok()
                })
            })
        });
        Self {
            server,
            kills_by_number,
            kills,
        }
    }

    async fn connect(&self) -> Connection {
        let config = Config::builder()
            .host("127.0.0.1")
            .port(self.server.port())
            .user("u")
            .ssl_mode(SslMode::Disable);
        Connection::connect(&config.build().unwrap()).await.unwrap()
    }

    fn kills(&self) -> (usize, usize) {
        let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
        (count(&self.kills_by_number), count(&self.kills))
    }
}

/// The lines of two connections: id, whether it is that which asks, user, host, command, number and
/// statement.
fn process_list((own, beside): (u16, u16), has_numbers: bool) -> Reply {
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
    let number = has_numbers.then_some("100");
    let lines = [
        ["7", "0", "u", &own, "Query"].map(Some).to_vec(),
        ["8", "1", "u", &beside, "Query"].map(Some).to_vec(),
    ];
    let shown = [ENDLESS, "SELECT ID"];
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
    for (has_numbers, kills) in [(true, (5, 1)), (false, (0, 1))] {
        let host = Host::start(has_numbers).await;
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
    let host = Host::start(true).await;
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

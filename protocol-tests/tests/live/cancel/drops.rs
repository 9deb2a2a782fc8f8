//! What gives a statement up is itself given up, at each of its polls.
//!
//! A proxy that keeps the ports of its clients cuts all that passes into small pieces, so that there is
//! a poll, and with it a drop, every few bytes of the connection beside as well.

use otaria::Stopped;
use protocol_tests::polls::{at_every_poll, poll_times};
use protocol_tests::tcp_proxy::TcpProxy;
use protocol_tests::traces::Process;

use super::*;

/// A server in small pieces, and a watch on it by another way.
struct Pieces {
    config: Config,
    watch: Watch,
    /// It serves as long as it is there.
    _proxy: TcpProxy,
}

impl Pieces {
    async fn start() -> Self {
        let server = live::shared();
        let proxy = TcpProxy::to(server).split(PIECE_BYTES).keep_ports();
        let proxy = proxy.delay(1_000, LONGEST_DELAY).start().await.unwrap();
        let builder = server.in_clear("").unwrap().host("127.0.0.1");
        let mut builder = builder.port(proxy.port());
        if !server.is_mysql() {
            // The server sees it come from elsewhere.
            server
                .sql("CREATE USER IF NOT EXISTS pieces IDENTIFIED BY 'small'; GRANT ALL ON *.* TO pieces")
                .unwrap();
            builder = builder.user("pieces").password("small");
        }
        let config = builder.build().unwrap();
        let watch = Watch::connect(&super::config("")).await.unwrap();
        Self {
            config,
            watch,
            _proxy: proxy,
        }
    }

    async fn connect(&self) -> Connection {
        Connection::connect(&self.config).await.unwrap()
    }

    /// Runs `sql` until the server does, and drops it then.
    async fn give_up(&mut self, connection: &mut Connection, sql: &str) {
        let thread_id = connection.thread_id();
        tokio::select! {
            done = connection.simple_execute(sql) => panic!("{sql} should run on: {done:?}"),
            () = self.runs(thread_id) => {}
        }
    }

    /// Waits until the server runs something for this connection.
    async fn runs(&mut self, thread_id: u32) {
        while !self.is_running(thread_id).await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn is_running(&mut self, thread_id: u32) -> bool {
        let processes = self.watch.processes().await.unwrap();
        processes.iter().any(|process| runs(process, thread_id))
    }

    /// Waits until it does not.
    async fn is_gone(&mut self, thread_id: u32) {
        let limit = Duration::from_secs(10);
        let is_there = |process: &Process| runs(process, thread_id);
        let gone = self.watch.wait_until_gone("the statement", limit, is_there);
        gone.await.unwrap();
    }
}

fn runs(process: &Process, thread_id: u32) -> bool {
    process.id == u64::from(thread_id) && process.info.is_some()
}

#[tokio::test]
async fn a_dropped_stop_that_kills_leaves_the_next_query_whole_and_nothing_on_the_server() {
    let mut server = Pieces::start().await;
    // The next query ends what is left by itself, or another stop does.
    for stops_again in [false, true] {
        let mut connection = server.connect().await;
        let thread_id = connection.thread_id();
        let polls = at_every_poll(async |polls| {
            server.give_up(&mut connection, SLEEP).await;
            let stopped = poll_times(connection.stop(), polls).await;
            if stops_again {
                let again = connection.stop().await.unwrap();
                assert!(matches!(again, Stopped::Killed | Stopped::NotRunning));
                assert!(connection.is_idle());
                server.is_gone(thread_id).await;
            }
            goes_on(&mut connection, thread_id).await;
            stopped.is_some_and(|stopped| stopped.unwrap() == Stopped::Killed)
        })
        .await;
        println!("{polls} polls");
        assert!(polls > MANY_POLLS, "{polls} polls");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_is_stopped_for_its_time_leaves_the_next_query_whole() {
    let mut server = Pieces::start().await;
    let mut connection = server.connect().await;
    let thread_id = connection.thread_id();
    let polls = at_every_poll(async |polls| {
        let limit = Duration::from_millis(20);
        // One that is not polled is no call, and its time would be that of the next.
        let call = async { connection.with_timeout(limit).simple_execute(SLEEP).await };
        let called = poll_times(call, polls).await;
        goes_on(&mut connection, thread_id).await;
        server.is_gone(thread_id).await;
        called.is_some_and(|called| match called.unwrap_err() {
            Error::Timeout {
                statement_stopped, ..
            } => statement_stopped,
            error => panic!("{error:?}"),
        })
    })
    .await;
    println!("{polls} polls");
    assert!(polls > MANY_POLLS, "{polls} polls");
}

#[tokio::test]
async fn a_dropped_cancel_of_a_token_that_kills_ends_no_other_statement() {
    let mut server = Pieces::start().await;
    let mut connection = server.connect().await;
    let thread_id = connection.thread_id();
    let token = connection.cancel_token();
    let polls = at_every_poll(async |polls| {
        let cancel = async {
            server.runs(thread_id).await;
            let cancelled = poll_times(token.cancel(), polls).await;
            let again = token.cancel().await.unwrap();
            assert!(matches!(again, Stopped::Killed | Stopped::NotRunning));
            cancelled.is_some_and(|cancelled| cancelled.unwrap() == Stopped::Killed)
        };
        let (called, done) = tokio::join!(connection.query_one::<(i64,)>(SLEEP, ()), cancel);
        // Interrupted it says 1.
        assert!(
            matches!(called, Ok((1,)) | Err(Error::Server(_))),
            "{called:?}"
        );
        // Neither kill ends what comes next, and has the same beginning.
        let (slept,): (i64,) = connection
            .query_one("SELECT SLEEP(0.01)", ())
            .await
            .unwrap();
        assert_eq!(slept, 0);
        goes_on(&mut connection, thread_id).await;
        server.is_gone(thread_id).await;
        done
    })
    .await;
    println!("{polls} polls");
    assert!(polls > MANY_POLLS, "{polls} polls");
}

/// Small enough for several drops in each packet, and not at each byte: each takes a statement of its
/// own.
const PIECE_BYTES: usize = 64;
/// Long enough for one piece to be read before the next has come.
const LONGEST_DELAY: Duration = Duration::from_millis(2);
/// What a login, a look at the process list and a kill take at least.
const MANY_POLLS: usize = 20;

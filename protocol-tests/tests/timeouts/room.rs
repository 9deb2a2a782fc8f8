//! Stopping a statement on a server that has no room for the connection which that takes.

use otaria::ErrorKind;

use super::stops::{Host, LONG, Numbers};
use super::*;

/// More than are refused in half a second.
const ALL: usize = 1000;

#[tokio::test]
async fn a_server_that_has_no_room_is_asked_again_until_it_has_stopped_the_statement() {
    let host = Host::start(Numbers::Shared, ENDLESS).await;
    let mut connection = host.connect().await;
    drop(connection.simple_query(ENDLESS).await.unwrap());
    host.refuse(3);
    let mut stop = Box::pin(connection.stop());
    host.until_kills_are_sent(2, &mut stop).await;
    assert_eq!((host.server.visits(), host.kills()), (5, (1, 1)));
}

#[tokio::test]
async fn a_token_asks_a_server_again_that_has_no_room_until_it_has_stopped_the_statement() {
    let host = Host::start(Numbers::Shared, ENDLESS).await;
    let mut connection = host.connect().await;
    let token = connection.cancel_token();
    host.refuse(3);
    let stopped = tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        stopped = token.cancel() => stopped.unwrap(),
    };
    assert_eq!(stopped, Stopped::Killed);
    assert_eq!((host.server.visits(), host.kills()), (5, (1, 1)));
}

#[tokio::test]
async fn a_server_that_gets_no_room_in_time_is_the_error_of_the_stop() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().stop_timeout(SECOND / 2).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    host.refuse(ALL);
    let start = Instant::now();
    let error = connection.stop().await.unwrap_err();
    assert!(start.elapsed() < SECOND, "{:?}", start.elapsed());
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test]
async fn a_token_of_a_server_that_gets_no_room_says_so_and_leaves_the_connection_open() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().stop_timeout(SECOND / 2).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let token = connection.cancel_token();
    host.refuse(ALL);
    let error = tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        stopped = token.cancel() => stopped.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert!(host.server.visits() > 3, "{}", host.server.visits());
    assert_eq!((connection.close_reason(), host.kills()), (None, (0, 0)));
}

#[tokio::test]
async fn a_token_waits_for_no_room_once_its_call_has_ended() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let mut connection = host.connect().await;
    let token = connection.cancel_token();
    host.refuse(ALL);
    let begun = async {
        while host.server.visits() < 3 {
            tokio::task::yield_now().await;
        }
    };
    let mut cancel = Box::pin(token.cancel());
    tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        () = begun => {}
        stopped = &mut cancel => panic!("{stopped:?}"),
    }
    let next = connection.simple_execute(OLD);
    assert_eq!(cancel.await.unwrap(), Stopped::NotRunning);
    drop(next);
}

#[tokio::test]
async fn a_stop_that_waits_for_room_sees_that_the_response_has_ended() {
    let host = Host::start(Numbers::Kept, LONG).await;
    let mut connection = host.connect().await;
    drop(connection.simple_query(LONG).await.unwrap());
    host.refuse(ALL);
    let start = Instant::now();
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
    assert!(start.elapsed() < 4 * SECOND, "{:?}", start.elapsed());
    next_query_is_whole(&mut connection).await;
}

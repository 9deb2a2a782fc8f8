//! Stopping a statement on a server that has no room for the connection which that takes.

use otaria::ErrorKind;
use otaria_connection::SideConnections;

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
    let config = host.config().stop_timeout(SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    host.refuse(ALL);
    let start = Instant::now();
    let error = connection.stop().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert!(start.elapsed() > SECOND * 3 / 4, "{:?}", start.elapsed());
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test]
async fn a_refusal_is_not_the_error_of_what_failed_when_there_was_room() {
    // It was told to end the statement, which goes on.
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().stop_timeout(SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    host.refuse(2);
    let error = connection.stop().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(host.kills(), (1, 0));
}

#[tokio::test]
async fn a_token_of_a_server_that_gets_no_room_says_so_and_leaves_the_connection_open() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().stop_timeout(SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let token = connection.cancel_token();
    host.refuse(ALL);
    let start = Instant::now();
    let error = tokio::select! {
        biased;
        done = connection.simple_execute(ENDLESS) => panic!("{done:?}"),
        stopped = token.cancel() => stopped.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert!(start.elapsed() > SECOND * 3 / 4, "{:?}", start.elapsed());
    assert_eq!((connection.close_reason(), host.kills()), (None, (0, 0)));
}

#[tokio::test]
async fn a_call_whose_time_is_over_asks_a_server_without_room_for_a_second_and_no_longer() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().stop_timeout(600 * SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    host.refuse(100 * ALL);
    let start = Instant::now();
    let call = connection.with_timeout(SECOND / 10);
    let error = call.simple_execute(ENDLESS).await.unwrap_err();
    let is_timeout = matches!(
        error,
        Error::Timeout {
            statement_stopped: false,
            ..
        }
    );
    assert!(is_timeout, "{error:?}");
    assert!(start.elapsed() < 60 * SECOND, "{:?}", start.elapsed());
    assert!(host.server.visits() > 2, "{}", host.server.visits());
    assert_eq!(connection.close_reason(), Some(CloseReason::Cancelled));
}

#[tokio::test]
async fn a_stop_that_was_refused_leaves_its_place_to_others_and_goes_on_behind_them() {
    let host = Host::start(Numbers::Shared, ENDLESS).await;
    let config = host.config().stop_timeout(60 * SECOND).build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    let places = SideConnections::new(1);
    connection.limit_side_connections(places.clone());
    drop(connection.simple_query(ENDLESS).await.unwrap());
    let place = places.place().await.unwrap();
    host.refuse(1);
    let mut stop = Box::pin(connection.stop_in(place));
    let other = async {
        let place = places.place().await.unwrap();
        tokio::time::sleep(SECOND / 3).await;
        assert_eq!((host.server.visits(), host.kills()), (2, (0, 0)));
        drop(place);
    };
    tokio::join!(host.until_kills_are_sent(2, &mut stop), other);
    assert_eq!((host.server.visits(), host.kills()), (3, (1, 1)));
}

#[tokio::test]
async fn nobody_is_prompted_again_and_again_by_a_server_that_has_no_room() {
    let host = Host::start(Numbers::Kept, ENDLESS).await;
    let config = host.config().prompt_handler(|_: otaria::Prompt| async {
        Ok::<_, std::io::Error>(String::new().into())
    });
    let config = config.build().unwrap();
    let mut connection = Connection::connect(&config).await.unwrap();
    drop(connection.simple_query(ENDLESS).await.unwrap());
    host.refuse(ALL);
    let error = connection.stop().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyConnections, "{error}");
    assert_eq!(host.server.visits(), 2);
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
    assert_eq!(connection.stop().await.unwrap(), Stopped::NotRunning);
    next_query_is_whole(&mut connection).await;
}

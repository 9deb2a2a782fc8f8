//! What a pool does.

use protocol_tests::polls::{at_every_poll, poll_times};

use super::{BYTES_A_POLL, House};

#[tokio::test]
async fn connect_dropped_at_every_poll_of_a_get_leaves_room_for_the_next() {
    let house = House::new("connect");
    let polls = at_every_poll(async |polls| {
        let pool = House::slow(&house.config, &house.pace);
        house.pace.slow_down(BYTES_A_POLL);
        let done = poll_times(pool.get(), polls).await.is_some();
        house.pace.speed_up();
        house.next_user(&pool).await;
        assert_eq!(pool.status().size, 1);
        done
    })
    .await;
    assert!(polls > 30, "only {polls} polls: the login was not cut");
}

/// The user before has left `sql` to be cleaned up; the get that does so is dropped at every poll.
async fn a_get_may_be_dropped_behind(name: &str, sql: &[&str]) {
    let house = House::new(name);
    for pool in [&house.slow, &house.plain] {
        at_every_poll(async |polls| {
            let mut connection = pool.get().await.unwrap();
            for sql in sql {
                connection.simple_execute(sql).await.unwrap();
            }
            house.pace.slow_down(BYTES_A_POLL);
            drop(connection);
            let done = poll_times(pool.get(), polls).await.is_some();
            house.pace.speed_up();
            house.next_user(pool).await;
            assert_eq!(pool.status().size, 1);
            done
        })
        .await;
    }
}

#[tokio::test]
async fn a_get_that_reads_the_rollback_may_be_dropped_at_every_poll() {
    let sql = ["START TRANSACTION", "UPDATE counter SET n = n + 1"];
    a_get_may_be_dropped_behind("rolls", &sql).await;
}

#[tokio::test]
async fn a_get_that_reads_the_reset_may_be_dropped_at_every_poll() {
    let sql = [
        "SET @borrowed = 1, sql_mode = 'ANSI_QUOTES'",
        "CREATE TEMPORARY TABLE borrowed (id INT)",
        "START TRANSACTION",
        "UPDATE counter SET n = n + 1",
        "USE mysql",
    ];
    a_get_may_be_dropped_behind("resets", &sql).await;
}

//! Transactions that nobody ends.

use otaria::{Error, PooledConnection};

use super::House;

/// Changes the row that everybody changes, and adds another, in a transaction; `end` ends it.
async fn in_transaction(
    house: &House,
    connection: &mut PooledConnection,
    commits: bool,
) -> Result<(), Error> {
    let name = house.schema.name();
    let mut transaction = connection.transaction().await?;
    let sql = format!("UPDATE {name}.counter SET n = n + 1 WHERE id = 1");
    transaction.execute(&sql, ()).await?;
    let sql = format!("INSERT INTO {name}.written VALUES (?)");
    transaction.execute(&sql, (house.number(),)).await?;
    if commits {
        transaction.commit().await
    } else {
        transaction.rollback().await
    }
}

#[tokio::test]
async fn begin_dropped_at_every_await_leaves_the_next_borrower_outside_any_transaction() {
    let house = House::new("begin");
    house
        .is_left_in_order(async |connection| {
            let name = house.schema.name();
            let mut transaction = connection.transaction().await?;
            let sql = format!("UPDATE {name}.counter SET n = n + 1 WHERE id = 1");
            // START TRANSACTION is on its way until the first statement.
            transaction.execute(&sql, ()).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn commit_dropped_at_every_await_leaves_the_next_borrower_outside_any_transaction() {
    let house = House::new("commit");
    house
        .is_left_in_order(async |connection| in_transaction(&house, connection, true).await)
        .await;
}

#[tokio::test]
async fn rollback_dropped_at_every_await_leaves_the_next_borrower_outside_any_transaction() {
    let house = House::new("rollback");
    house
        .is_left_in_order(async |connection| in_transaction(&house, connection, false).await)
        .await;
    let written = house.schema.sql("SELECT COUNT(*) FROM written").unwrap();
    assert_eq!(written, "0\n", "nothing of it stays");
}

#[tokio::test]
async fn a_savepoint_dropped_at_every_await_leaves_the_next_borrower_outside_any_transaction() {
    let house = House::new("savepoint");
    house
        .is_left_in_order(async |connection| {
            let name = house.schema.name();
            let sql = format!("UPDATE {name}.counter SET n = n + 1 WHERE id = 1");
            let mut transaction = connection.transaction().await?;
            let mut inner = transaction.transaction().await?;
            inner.execute(&sql, ()).await?;
            inner.rollback().await?;
            transaction.execute(&sql, ()).await?;
            transaction.commit().await
        })
        .await;
}

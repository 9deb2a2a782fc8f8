//! How transactions end.

use otaria::Error;

use super::{ADD, SUM, accounts, add, is_outside, sum};
use crate::connect;

#[tokio::test]
async fn what_is_committed_stays_and_what_is_rolled_back_does_not() -> Result<(), Error> {
    let schema = accounts("tx_end");
    let mut connection = connect(schema.name()).await;
    let mut other = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    assert_eq!(sum(&mut other, 1).await, 100);
    transaction.commit().await?;
    assert_eq!(sum(&mut other, 1).await, 101);
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    transaction.rollback().await?;
    assert_eq!(sum(&mut other, 1).await, 101);
    assert!(is_outside(&mut connection).await);
    Ok(())
}

#[tokio::test]
async fn completion_type_neither_begins_another_transaction_nor_ends_the_session()
-> Result<(), Error> {
    let schema = accounts("tx_completion_type");
    let mut connection = connect(schema.name()).await;
    for completion_type in ["'CHAIN'", "'RELEASE'", "'NO_CHAIN'"] {
        let sql = format!("SET completion_type = {completion_type}");
        connection.simple_execute(&sql).await?;
        let mut transaction = connection.transaction().await?;
        add(&mut transaction, 1, 1).await?;
        transaction.commit().await?;
        assert!(is_outside(&mut connection).await, "{completion_type}");
        let mut transaction = connection.transaction().await?;
        add(&mut transaction, 1, 2).await?;
        transaction.rollback().await?;
        assert!(is_outside(&mut connection).await, "{completion_type}");
        let mut transaction = connection.transaction().await?;
        add(&mut transaction, 1, 2).await?;
        drop(transaction);
        assert!(is_outside(&mut connection).await, "{completion_type}");
    }
    assert_eq!(sum(&mut connection, 1).await, 103);
    assert_eq!(sum(&mut connection, 2).await, 100);
    Ok(())
}

#[tokio::test]
async fn parts_are_undone_by_themselves_and_committed_with_the_whole() -> Result<(), Error> {
    let schema = accounts("tx_parts");
    let mut connection = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    add(&mut transaction, 1, 1).await?;
    let mut kept = transaction.transaction().await?;
    add(&mut kept, 1, 2).await?;
    let mut inner = kept.transaction().await?;
    add(&mut inner, 1, 3).await?;
    inner.rollback().await?;
    let mut inner = kept.transaction().await?;
    add(&mut inner, 1, 4).await?;
    inner.commit().await?;
    kept.commit().await?;
    let mut undone = transaction.transaction().await?;
    let mut inner = undone.transaction().await?;
    add(&mut inner, 50, 4).await?;
    inner.commit().await?;
    drop(undone);
    transaction.commit().await?;
    let rows = connection
        .simple_query("SELECT sum FROM account ORDER BY id")
        .await?;
    let sums: Vec<(i32,)> = rows.collect().await?;
    assert_eq!(sums, [(101,), (101,), (100,), (101,)]);
    Ok(())
}

#[tokio::test]
async fn all_that_a_connection_can_do_can_be_done_in_a_transaction() -> Result<(), Error> {
    let schema = accounts("tx_verbs");
    let mut connection = connect(schema.name()).await;
    let mut transaction = connection.transaction().await?;
    let statement = transaction.prepare(ADD).await?;
    transaction.execute(&statement, (1, 1)).await?;
    let rows = (1..=4).map(|id| (1, id));
    assert_eq!(
        transaction
            .execute_batch(&statement, rows.clone())
            .await?
            .affected_rows,
        4
    );
    let batch = transaction.batch(ADD).bulk(false);
    assert_eq!(batch.run(rows).await?.affected_rows, 4);
    let mut pipeline = otaria::Pipeline::new();
    pipeline.push(ADD, (1, 1)).push(SUM, (1,)).push(SUM, (2,));
    pipeline.push(ADD, (1, 2)).push(SUM, (2,));
    let mut results = transaction.query_pipeline(&pipeline).await?;
    let mut sums = Vec::new();
    while let Some(result) = results.next().await {
        sums.extend(result?.collect::<(i32,)>().await?);
    }
    assert_eq!(sums, [(104,), (102,), (103,)]);
    let size = std::num::NonZeroU32::new(2).unwrap();
    let all = "SELECT sum FROM account ORDER BY id";
    let rows = transaction.query_with_cursor(all, (), size).await?;
    let sums: Vec<(i32,)> = rows.collect().await?;
    assert_eq!(sums, [(104,), (103,), (102,), (102,)]);
    let none: Option<(i32,)> = transaction.query_opt(SUM, (9,)).await?;
    assert_eq!(none, None);
    transaction.simple_execute("SELECT 1 / 0").await?;
    assert_eq!(transaction.warnings().await?.len(), 1);
    drop(transaction);
    assert_eq!(sum(&mut connection, 1).await, 100);
    connection.execute(&statement, (1, 1)).await?;
    Ok(())
}

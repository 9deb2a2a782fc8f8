//! What a connection does.

use protocol_tests::live;

use super::{FETCH_SIZE, House};

#[tokio::test]
async fn next_caller_never_receives_rows_of_a_query_cut_at_every_poll() {
    let house = House::new("query");
    house
        .is_left_in_order(async |connection| {
            let sql = &live::shared().dialect("SELECT seq, 'old' FROM seq_1_to_3");
            connection.simple_query(sql).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_rows_of_a_prepared_query_cut_at_every_poll() {
    let house = House::new("prepared");
    house
        .is_left_in_order(async |connection| {
            let sql = &live::shared().dialect("SELECT seq, ? FROM seq_1_to_3");
            connection.query(sql, ("old",)).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_rows_that_were_being_read_cut_at_every_poll() {
    let house = House::new("rows");
    house
        .is_left_in_order(async |connection| {
            let sql = &live::shared().dialect("SELECT seq, ? FROM seq_1_to_5");
            let mut rows = connection.query(sql, ("old",)).await?;
            while rows.next().await?.is_some() {}
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_the_answer_of_a_prepare_cut_at_every_poll() {
    let house = House::new("prepare");
    house
        .is_left_in_order(async |connection| {
            let sql = format!("SELECT ?, {}", house.number());
            connection.prepare(&sql).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_the_answer_of_a_bulk_cut_at_every_poll() {
    let house = House::new("bulk");
    let name = house.schema.name();
    let sql = format!("INSERT INTO {name}.written VALUES (?)");
    house
        .is_left_in_order(async |connection| {
            let rows = (0..6_u64).map(|id| (id,));
            connection.execute_batch(&sql, rows).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_rows_of_a_fetch_cut_at_every_poll() {
    let house = House::new("fetch");
    house
        .is_left_in_order(async |connection| {
            let sql = &live::shared().dialect("SELECT seq, ? FROM seq_1_to_5");
            let rows = connection.query_with_cursor(sql, ("old",), FETCH_SIZE);
            let mut rows = rows.await?;
            while rows.next().await?.is_some() {}
            Ok(())
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_the_answer_of_an_infile_cut_at_every_poll() {
    let house = House::new("infile");
    let name = house.schema.name();
    let sql = format!("LOAD DATA LOCAL INFILE 'x' INTO TABLE {name}.written");
    house
        .is_left_in_order(async |connection| {
            let data = b"1\n2\n3\n4\n5\n6\n7\n8\n".as_slice();
            connection.load_data_local(&sql, data).await.map(drop)
        })
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_the_answer_of_a_change_of_the_schema_cut_at_every_poll() {
    let house = House::new("init_db");
    house
        .is_left_in_order(async |connection| connection.init_db("mysql").await)
        .await;
}

#[tokio::test]
async fn next_caller_never_receives_the_answer_of_a_reset_cut_at_every_poll() {
    let house = House::new("reset");
    house
        .is_left_in_order(async |connection| connection.reset().await)
        .await;
}

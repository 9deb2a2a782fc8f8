//! Cursors, and what their statements give without one.

use std::num::NonZeroU32;
use std::time::Duration;

use otaria::{Connection, Error};
use tokio::time::timeout;

use crate::server::{connect, server};

const TO_TEN: &str = "WITH RECURSIVE t (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM t WHERE id < 10) \
                      SELECT id FROM t WHERE id <= ? ORDER BY id";

/// Opens a cursor and reads the first rows that come by it.
async fn by_cursor(connection: &mut Connection, rows: i64) -> Result<(), Error> {
    let at_a_time = NonZeroU32::new(3).expect("3 is not 0");
    let mut cursor = connection
        .query_with_cursor(TO_TEN, (10,), at_a_time)
        .await?;
    for expected in 1..=rows {
        let row = cursor.next().await?.expect("a row");
        assert_eq!(row.read::<(i64,)>()?, (expected,));
    }
    Ok(())
}

async fn without(connection: &mut Connection) -> Result<(), Error> {
    let rows = connection.query_all::<(i64,)>(TO_TEN, (4,));
    let rows = timeout(Duration::from_secs(10), rows)
        .await
        .expect("an end")?;
    assert_eq!(rows, [(1,), (2,), (3,), (4,)]);
    Ok(())
}

#[tokio::test]
async fn a_statement_that_had_a_cursor_gives_its_rows_without_one() -> Result<(), Error> {
    for rows in [0, 2, 10] {
        let mut connection = connect(server().unix().user("root")).await?;
        by_cursor(&mut connection, rows).await?;
        without(&mut connection).await?;
        by_cursor(&mut connection, rows).await?;
        by_cursor(&mut connection, 10).await?;
        without(&mut connection).await?;
        let statement = connection.prepare(TO_TEN).await?;
        for _ in 0..2 {
            let at_a_time = NonZeroU32::new(3).expect("3 is not 0");
            drop(
                connection
                    .query_with_cursor(&statement, (10,), at_a_time)
                    .await?,
            );
            let rows = connection.query_all::<(i64,)>(&statement, (2,)).await?;
            assert_eq!(rows, [(1,), (2,)]);
        }
    }
    Ok(())
}

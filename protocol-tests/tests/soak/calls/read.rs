//! Calls that read.

use std::num::NonZeroU32;
use std::time::Duration;

use otaria::{Error, Pipeline, PooledConnection, RetryPolicy, Rows};

use super::Call;

impl Call<'_> {
    /// A statement out of the cache, or one that takes the place of another there.
    pub(super) async fn point(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let key = self.random.u64(1..=1000);
        let variant = self.random.u8(0..40);
        let sql = format!("SELECT ?, id, name, {variant} FROM point WHERE id = ?");
        let row: (u64, u64, String, u8) = connection.query_one(&sql, (self.id, key)).await?;
        assert_eq!(row, (self.id, key, format!("name {key}"), variant));
        Ok(())
    }

    pub(super) async fn text(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let (id, text) = (self.id, "x".repeat(self.random.usize(0..2_000)));
        let sql = format!("SELECT {id}, '{text}'");
        let rows = connection.simple_query(&sql).await?;
        let rows: Vec<(u64, String)> = rows.collect().await?;
        assert!(rows == [(id, text)], "rows of another");
        Ok(())
    }

    /// Values of each type, there and back.
    pub(super) async fn values(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        type Six = (u64, i64, f64, String, Vec<u8>, Option<i32>);
        let random = &mut self.random;
        let bytes = (0..random.usize(0..5_000)).map(|_| random.u8(..)).collect();
        let null = random.bool().then(|| random.i32(..));
        let text = "größe 🦭".repeat(random.usize(0..20));
        let values: Six = (self.id, random.i64(..), random.f64(), text, bytes, null);
        let (id, integer, double, text, bytes, null) = &values;
        let params = (
            *id,
            *integer,
            *double,
            text.as_str(),
            bytes.as_slice(),
            *null,
        );
        let row: Six = connection
            .query_one("SELECT ?, ?, ?, ?, ?, ?", params)
            .await?;
        assert!(row == values, "values of another");
        Ok(())
    }

    /// A big result by chunks, in either protocol.
    pub(super) async fn chunks(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let number = 10_u64.pow(self.random.u32(1..5));
        let id = self.id;
        let mut rows = self.numbered(connection, number).await?;
        let mut next = 1;
        while let Some(chunk) = rows.next_chunk().await? {
            for row in chunk {
                let row: (u64, &str, u64) = row.read()?;
                assert_numbered(row, next, id);
                next += 1;
            }
        }
        assert_eq!(next, number + 1, "rows are missing");
        rows.finish().await
    }

    /// The same, left somewhere.
    pub(super) async fn half_read(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let (id, left_at) = (self.id, self.random.u64(0..2_000));
        let mut rows = self.numbered(connection, 1_000_000).await?;
        for next in 1..=left_at {
            let row = rows.next().await?.expect("a million rows");
            assert_numbered(row.read()?, next, id);
        }
        Ok(())
    }

    async fn numbered<'c>(
        &mut self,
        connection: &'c mut PooledConnection,
        number: u64,
    ) -> Result<Rows<'c>, Error> {
        let sql = format!("SELECT seq, CONCAT('row ', seq), ? FROM seq_1_to_{number}");
        if self.random.bool() {
            connection.query(&sql, (self.id,)).await
        } else {
            let sql = sql.replace('?', &self.id.to_string());
            connection.simple_query(&sql).await
        }
    }

    /// Rows that hold a connection for as long as they are there; left somewhere, too.
    pub(super) async fn stream(&mut self) -> Result<(), Error> {
        let sql = "SELECT seq, CONCAT('row ', seq), ? FROM seq_1_to_3000";
        let mut rows = self.lane.pool.stream(sql, (self.id,)).await?;
        let left_at = self.random.u64(0..6_000);
        let mut next = 1;
        while next <= left_at
            && let Some(row) = rows.next().await?
        {
            let (seq, text, id): (u64, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            assert_numbered((seq, &text, id), next, self.id);
            next += 1;
        }
        assert!(next > left_at || next == 3_001, "rows are missing");
        Ok(())
    }

    pub(super) async fn cursor(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let (id, left_at) = (self.id, self.random.u64(0..1_000));
        let sql = "SELECT seq, CONCAT('row ', seq), ? FROM seq_1_to_500";
        let fetch_size = NonZeroU32::new(self.random.u32(1..200)).unwrap();
        let mut rows = connection.query_with_cursor(sql, (id,), fetch_size).await?;
        let mut next = 1;
        while next <= left_at
            && let Some(row) = rows.next().await?
        {
            assert_numbered(row.read()?, next, id);
            next += 1;
        }
        assert!(next > left_at || next == 501, "rows are missing");
        Ok(())
    }

    /// Results in their order, and the error of the one that the server refuses.
    pub(super) async fn pipeline(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let refused = self.random.u64(0..12);
        let mut pipeline = Pipeline::new();
        for number in 0..10_u64 {
            if number == refused {
                pipeline.push("SELECT ?, id FROM nowhere", (number,));
            } else {
                pipeline.push("SELECT ?, ?", (self.id, number));
            }
        }
        let mut results = connection.query_pipeline(&pipeline).await?;
        let mut number = 0;
        while let Some(result) = results.next().await {
            match result {
                Ok(rows) => {
                    let rows: Vec<(u64, u64)> = rows.collect().await?;
                    assert_eq!(rows, [(self.id, number)]);
                }
                Err(Error::Server(error)) if error.code() == 1146 => assert_eq!(number, refused),
                Err(error) => return Err(error),
            }
            number += 1;
        }
        assert_eq!(number, 10, "results are missing");
        Ok(())
    }

    pub(super) async fn procedure(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let id = self.id;
        let mut rows = connection.query("CALL two_results(?)", (id,)).await?;
        let mut seen = Vec::new();
        while let Some(row) = rows.next().await? {
            seen.push(row.read::<(u64, u64)>()?);
        }
        assert_eq!(seen, [(id, 1), (id, 2), (id, 3)]);
        if self.random.bool() {
            return Ok(());
        }
        assert!(rows.next_result_set().await?, "a second result");
        let row = rows.next().await?.expect("a row");
        assert_eq!(row.read::<(u64, &str)>()?, (id + 1, "two"));
        rows.finish().await
    }

    /// Errors are those of this statement, and leave the connection usable.
    pub(super) async fn refused(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let (sql, code) = match self.random.u8(0..3) {
            0 => ("SELECT ? FROM nowhere", 1146),
            1 => ("SELECT ? FRM point", 1064),
            _ => ("INSERT INTO point VALUES (1 + 0 * ?, 'twice')", 1062),
        };
        match connection.execute(sql, (self.id,)).await {
            Err(Error::Server(error)) if error.code() == code => {}
            Err(error) => return Err(error),
            Ok(_) => panic!("{sql} is accepted"),
        }
        self.answers(connection).await
    }

    pub(super) async fn repeatable(&mut self) -> Result<(), Error> {
        let policy = RetryPolicy::new();
        let again = self.lane.pool.repeatable(&policy);
        let again = again.within(Duration::from_secs(4));
        let (id,): (u64,) = again.query_one("SELECT ?", (self.id,)).await?;
        assert_eq!(id, self.id);
        Ok(())
    }

    /// Asks something that only the right answer fits to.
    pub(super) async fn answers(&self, connection: &mut PooledConnection) -> Result<(), Error> {
        let (id,): (u64,) = connection.query_one("SELECT ?", (self.id,)).await?;
        assert_eq!(id, self.id, "the answer of another");
        Ok(())
    }
}

fn assert_numbered((seq, text, id): (u64, &str, u64), expected: u64, expected_id: u64) {
    assert_eq!((seq, id), (expected, expected_id));
    assert_eq!(text.strip_prefix("row "), Some(&*seq.to_string()));
}

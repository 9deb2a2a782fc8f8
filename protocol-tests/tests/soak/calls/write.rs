//! Calls that write.

use otaria::{Error, LongData, Pipeline, PooledConnection};

use super::Call;

impl Call<'_> {
    pub(super) async fn insert(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let executed = connection.execute(INSERT, (self.id, 0)).await?;
        assert_eq!(executed.affected_rows, 1);
        Ok(())
    }

    pub(super) async fn insert_as_text(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let note = "f".repeat(self.random.usize(0..500) * 2);
        let sql = format!("INSERT INTO written VALUES ({}, 0, x'{note}')", self.id);
        let executed = connection.simple_execute(&sql).await?;
        assert_eq!(executed.affected_rows, 1);
        Ok(())
    }

    /// A value in parts, which is read again.
    pub(super) async fn long_data(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let parts = self.random.usize(1..4);
        let parts: Vec<Vec<u8>> = (0..parts)
            .map(|part| vec![b'0' + part as u8; self.random.usize(0..30_000)])
            .collect();
        let sql = "INSERT INTO written VALUES (?, 0, ?)";
        let mut insert = connection.long_data(sql).await?;
        for part in &parts {
            insert.send(1, part).await?;
        }
        insert.execute((self.id, LongData)).await?;
        // It is written, whatever becomes of the question.
        let sql = "SELECT note FROM written WHERE id = ?";
        if let Ok((note,)) = connection.query_one::<(Vec<u8>,)>(sql, (self.id,)).await {
            assert!(note == parts.concat(), "the value of another");
        }
        Ok(())
    }

    pub(super) async fn batch(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let rows = (0..self.kind.rows()).map(|part| (self.id, part));
        let executed = connection.execute_batch(INSERT, rows).await?;
        assert_eq!(executed.affected_rows, self.kind.rows());
        Ok(())
    }

    pub(super) async fn load(&mut self, connection: &mut PooledConnection) -> Result<(), Error> {
        let sql = format!(
            "LOAD DATA LOCAL INFILE 'parts' INTO TABLE written (part) SET id = {}",
            self.id
        );
        let parts = (0..self.kind.rows()).map(|part| format!("{part}\n"));
        let parts: String = parts.collect();
        let loaded = connection.load_data_local(&sql, parts.as_bytes()).await?;
        assert_eq!(loaded.affected_rows, self.kind.rows());
        Ok(())
    }

    pub(super) async fn insert_pipeline(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let mut pipeline = Pipeline::new();
        for part in 0..self.kind.rows() {
            pipeline.push(INSERT, (self.id, part));
        }
        let executed = connection.execute_pipeline(&pipeline).await?;
        assert_eq!(executed.len(), pipeline.len());
        for executed in executed {
            assert_eq!(executed?.affected_rows, 1);
        }
        Ok(())
    }

    pub(super) async fn transaction(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let mut transaction = connection.transaction().await?;
        for part in 0..self.kind.rows() {
            transaction.execute(INSERT, (self.id, part)).await?;
        }
        let sql = "SELECT COUNT(*) FROM written WHERE id = ?";
        let (count,): (u64,) = transaction.query_one(sql, (self.id,)).await?;
        assert_eq!(count, self.kind.rows());
        transaction.commit().await
    }

    pub(super) async fn rolled_back(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let mut transaction = connection.transaction().await?;
        transaction.execute(INSERT, (self.id, 0)).await?;
        transaction.rollback().await?;
        self.answers(connection).await
    }

    /// A transaction that nobody ends.
    pub(super) async fn left_open(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let mut transaction = connection.transaction().await?;
        transaction.execute(INSERT, (self.id, 0)).await?;
        Ok(())
    }

    /// Two accounts in any order: whoever meets another one may lose.
    pub(super) async fn transfer(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let (from, to) = (self.random.u32(1..=8), self.random.u32(1..8));
        let mut transaction = connection.transaction().await?;
        let sql = "UPDATE account SET n = n + 1 WHERE id = ?";
        for account in [from, if to == from { 8 } else { to }] {
            let executed = transaction.execute(sql, (account,)).await?;
            assert_eq!(executed.affected_rows, 1);
        }
        transaction.execute(INSERT, (self.id, -1)).await?;
        transaction.commit().await
    }
}

const INSERT: &str = "INSERT INTO written (id, part) VALUES (?, ?)";

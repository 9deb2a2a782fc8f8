//! Calls that read and write record batches.

use std::sync::Arc;

use otaria::arrow::array::{
    ArrayRef, AsArray, Int32Array, RecordBatch, RecordBatchIterator, UInt64Array,
};
use otaria::arrow::datatypes::UInt64Type;
use otaria::{
    ArrowOptions, Error, InsertArrow, InsertErrorKind, InsertOptions, InsertWay, PooledConnection,
    QueryArrow, RecordBatchError,
};

use super::Call;

impl Call<'_> {
    /// Reads a result as record batches, so many of them at most.
    pub(super) async fn arrow(
        &mut self,
        connection: &mut PooledConnection,
        batches: u64,
    ) -> Result<(), Error> {
        let options = ArrowOptions::default().with_max_rows(self.random.u32(1..4_000));
        self.read_batches(connection, batches, &options)
            .await
            .map_err(|error| match error {
                RecordBatchError::Driver(error) => error,
                other => panic!("{other:?}"),
            })
    }

    async fn read_batches(
        &self,
        connection: &mut PooledConnection,
        limit: u64,
        options: &ArrowOptions,
    ) -> Result<(), RecordBatchError> {
        let sql = "SELECT seq, CONCAT('row ', seq), CAST(? AS UNSIGNED), IF(seq % 3, NULL, seq) \
            FROM seq_1_to_10000";
        let mut batches = connection
            .query_arrow_with(sql, (self.id,), options)
            .await?;
        let mut rows = 0;
        let mut number = 0;
        while number < limit
            && let Some(batch) = batches.next().await?
        {
            self.check_batch(&batch, rows);
            rows += batch.num_rows() as u64;
            number += 1;
        }
        assert!(number == limit || rows == 10_000, "rows are missing");
        Ok(())
    }

    fn check_batch(&self, batch: &RecordBatch, rows: u64) {
        let [seqs, texts, ids, thirds] = batch.columns() else {
            panic!("{:?}", batch.schema());
        };
        let ids = ids.as_primitive::<UInt64Type>().values();
        assert!(ids.iter().all(|id| *id == self.id), "rows of another");
        let seqs = seqs.as_primitive::<UInt64Type>().values();
        assert!(
            seqs.iter()
                .copied()
                .eq(rows + 1..=rows + batch.num_rows() as u64)
        );
        let texts = texts.as_string::<i32>();
        let thirds = thirds.as_primitive::<UInt64Type>();
        for ((seq, text), third) in seqs.iter().zip(texts).zip(thirds) {
            let text = text.and_then(|text| text.strip_prefix("row "));
            assert_eq!(text, Some(&*seq.to_string()));
            assert_eq!(third, (seq % 3 == 0).then_some(*seq));
        }
    }

    /// All of the rows or none of them.
    pub(super) async fn insert_arrow(
        &mut self,
        connection: &mut PooledConnection,
    ) -> Result<(), Error> {
        let rows = self.kind.rows();
        let ids: ArrayRef = Arc::new(UInt64Array::from_iter_values((0..rows).map(|_| self.id)));
        let parts = Int32Array::from_iter_values((0..rows).map(|part| part as i32));
        let parts: ArrayRef = Arc::new(parts);
        let batch = RecordBatch::try_from_iter([("id", ids), ("part", parts)]).unwrap();
        let cut = self.random.usize(0..=batch.num_rows());
        let parts = [
            batch.slice(0, cut),
            batch.slice(cut, batch.num_rows() - cut),
        ];
        let reader = RecordBatchIterator::new(parts.map(Ok), batch.schema());
        let way = [InsertWay::Bulk, InsertWay::LoadData][self.random.usize(0..2)];
        let options = InsertOptions::new().with_way(way);
        match connection.insert_arrow("written", reader, options).await {
            Ok(inserted) => assert_eq!(inserted.rows, rows),
            Err(error) => match error.kind {
                InsertErrorKind::Driver(error) => return Err(error),
                other => panic!("{other:?}"),
            },
        }
        Ok(())
    }
}

//! The futures can be moved to other threads, whatever the parameters.

use otaria::{
    ArrowOptions, Connection, PartitionBatches, Pool, PoolQueryArrow, QueryArrow,
    RecordBatchStream, RecordBatches, Rows, Statement, ToSql, Transaction,
};
use tokio::runtime::Handle;

fn is_send<T: Send>(future: T) {
    drop(future);
}

type Dynamic<'a> = &'a [&'a (dyn ToSql + Sync)];
type Boxed = Vec<Box<dyn ToSql + Send + Sync>>;

fn of_connection(connection: &mut Connection, statement: &Statement, boxed: &Boxed) {
    let dynamic: Dynamic<'_> = &[&7, &"Ada", &None::<&str>];
    is_send(connection.query_arrow("SELECT ?", dynamic));
    is_send(connection.query_arrow(statement, boxed));
    is_send(connection.query_arrow(&String::from("SELECT ?"), (7, b"x".as_slice())));
    is_send(connection.query_arrow_with("SELECT ?", (), &ArrowOptions::default()));
}

fn of_transaction(transaction: &mut Transaction<'_>, boxed: Boxed) {
    is_send(transaction.query_arrow("SELECT ?", boxed));
}

fn of_pool(pool: &Pool, boxed: Boxed) {
    is_send(pool.query_arrow("SELECT ?", boxed));
    is_send(pool.query_arrow_with("SELECT ?", (1,), &ArrowOptions::default()));
}

fn of_batches(rows: Rows<'_>, mut batches: RecordBatches<'_>, mut stream: RecordBatchStream<'_>) {
    is_send(RecordBatches::from_rows(rows, &ArrowOptions::default()));
    is_send(batches.next());
    is_send(batches.next_result_set());
    is_send(stream.next());
    is_send(batches);
    is_send(stream);
}

fn of_parts(batches: PartitionBatches, runtime: Handle) {
    is_send(batches.into_reader(runtime));
}

#[test]
fn the_futures_of_record_batches_are_send() {
    // They are only made, not called.
    let _: fn(&mut Connection, &Statement, &Boxed) = of_connection;
    let _: fn(&mut Transaction<'_>, Boxed) = of_transaction;
    let _: fn(&Pool, Boxed) = of_pool;
    let _: fn(Rows<'_>, RecordBatches<'_>, RecordBatchStream<'_>) = of_batches;
    let _: fn(PartitionBatches, Handle) = of_parts;
}

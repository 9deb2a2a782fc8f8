//! Another process that reads a part: its bytes come on the standard input, the server's URL is the
//! argument. Prints how many rows there are, and the sum of the first column, a BIGINT.

use std::error::Error;
use std::io::Read;

use otaria::arrow::array::AsArray;
use otaria::arrow::datatypes::Int64Type;
use otaria::{ArrowOptions, Config, Partition, Pool, PoolPartitions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let partition = Partition::from_bytes(&bytes)?;
    let config: Config = std::env::args().nth(1).ok_or("no URL")?.parse()?;
    let pool = Pool::new(config);
    let mut batches = pool.read_partitions([partition], 1, &ArrowOptions::default());
    let mut sum = 0;
    while let Some((_, batch)) = batches.next().await? {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        sum += keys.iter().flatten().map(i128::from).sum::<i128>();
    }
    println!("{} {sum}", batches.rows());
    Ok(())
}

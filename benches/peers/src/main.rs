//! Other drivers over the workloads: `peers PEER WORKLOAD COUNT`, on the server of
//! `OTARIA_BENCH_URL`. Prints nanoseconds on the wall, nanoseconds of the processor, and the sum of
//! what was read.
//!
//! Each reads in the way that costs it least and gives typed values.

mod mysql_async;
mod qusql_mysql;
mod sqlx;
mod zero_mysql;

use std::env;
use std::error::Error;

use otaria_benches::{Measure, Sum, Task, Workload, driver, floor};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let peer = arguments.next().unwrap_or_default();
    let task = Task::from_arguments(arguments)?;
    let (measure, sum) = match peer.as_str() {
        "floor" => Measure::of(|| floor::run(&task).map(|()| Sum::default())),
        "mysql_async" => on_one_thread(mysql_async::run(&task)),
        "otaria" => on_one_thread(async { Ok(driver::run(&task).await?) }),
        "qusql-mysql" => on_one_thread(qusql_mysql::run(&task)),
        "sqlx" => on_one_thread(sqlx::run(&task)),
        "zero-mysql" => on_one_thread(zero_mysql::run(&task)),
        _ => return Err(format!("there is no peer {peer}").into()),
    };
    println!("{measure} {}", sum?.total());
    Ok(())
}

fn on_one_thread(task: impl Future<Output = Outcome>) -> (Measure, Outcome) {
    Measure::of(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(task)
    })
}

/// The schema's URL in the form of other drivers.
fn mysql_url(task: &Task) -> String {
    task.url.replacen("mariadb://", "mysql://", 1)
}

/// Of a workload that is a way which Otaria has beside others.
fn only_otaria(workload: Workload) -> Box<dyn Error> {
    format!("{} is for Otaria alone", workload.name()).into()
}

/// What a peer summed up.
type Outcome = Result<Sum, Box<dyn Error>>;

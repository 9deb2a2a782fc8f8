//! Otaria on a workload: `otaria_workload WORKLOAD COUNT`, on the server of `OTARIA_BENCH_URL`.
//! Prints nanoseconds on the wall, nanoseconds of the processor, and the sum of what it has read.

use std::env;
use std::error::Error;

use otaria_benches::{Measure, Task, driver};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let task = Task::from_arguments(env::args().skip(1))?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (measure, sum) = Measure::of(|| runtime.block_on(driver::run(&task)));
    println!("{measure} {}", sum?.total());
    Ok(())
}
